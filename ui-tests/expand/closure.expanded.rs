fn counts(by: u8) -> impl Fn(&str) -> usize {
    let __site = {
        enum __Path {}
        static __CALL_SITE: ::telemetry::__private::CallSite = ::telemetry::__private::CallSite::new(
            "",
            ::telemetry::__private::core::any::type_name::<__Path>,
            ::telemetry::__private::core::module_path!(),
            ::telemetry::__private::core::file!(),
            ::telemetry::__private::core::line!(),
        );
        &__CALL_SITE
    };
    let __guard = ::telemetry::__private::enter_in_place(__site, false);
    let _ = &__guard;
    '__body: { move |text| text.len() + by }
}
