fn f() {
    let __site = {
        enum __Path {}
        static __CALL_SITE: crate::telemetry::__private::CallSite = crate::telemetry::__private::CallSite::new(
            "load",
            crate::telemetry::__private::core::any::type_name::<__Path>,
            crate::telemetry::__private::core::module_path!(),
            crate::telemetry::__private::core::file!(),
            crate::telemetry::__private::core::line!(),
        );
        &__CALL_SITE
    };
    let __guard = crate::telemetry::__private::enter(__site, false);
    let __output = crate::telemetry::__private::call(move || -> () { '__body: {} });
    __guard
        .end({
            use crate::telemetry::__private::Fallback as _;
            crate::telemetry::__private::Inspect(&__output).__ending()
        });
    return __output;
}
