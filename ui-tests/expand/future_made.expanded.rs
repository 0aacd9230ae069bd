fn load(path: &Path) -> BoxFuture<'_, u8> {
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
    return ::telemetry::__private::boxed_future::<
        u8,
        _,
        _,
    >(
        __site,
        {
            use ::telemetry::__private::ReturnsOther as _;
            ::telemetry::__private::Returns::<u8>::new().__fallible()
        },
        ::telemetry::__private::call(move || -> BoxFuture<'_, u8> {
            let path = path;
            '__body: {
                let path = path.to_owned();
                Box::pin(async move { read(path).await })
            }
        }),
        move |__output| {
            return {
                use ::telemetry::__private::Fallback as _;
                ::telemetry::__private::Inspect(__output).__ending()
            };
        },
    );
}
fn wait() -> impl Future<Output = ()> + Send {
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
    return ::telemetry::__private::measured_future::<
        (),
        _,
        _,
    >(
        __site,
        false,
        ::telemetry::__private::call(move || -> _ { '__body: { sleep(SECOND) } }),
        move |__output| {
            return {
                use ::telemetry::__private::Fallback as _;
                ::telemetry::__private::Inspect(__output).__ending()
            };
        },
    );
}
