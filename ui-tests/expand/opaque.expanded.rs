fn rows(&self) -> Result<impl Iterator<Item = &Row> + '_, Error> {
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
    let __guard = ::telemetry::__private::enter(__site, false);
    let __output = ::telemetry::__private::call(move || -> Result<_, Error> {
        let _ = &self;
        '__body: { Ok(self.rows.iter()) }
    });
    __guard
        .end({
            use ::telemetry::__private::Fallback as _;
            ::telemetry::__private::Inspect(&__output).__ended()
        });
    return __output;
}
