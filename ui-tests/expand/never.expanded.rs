fn ends() -> ! {
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
    let _ = &__guard;
    ::telemetry::__private::call(move || -> ! { '__body: { exit(0) } })
}
async fn serves(port: u16) -> ! {
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
    match ::telemetry::__private::measured_future::<
        ::telemetry::__private::core::convert::Infallible,
        _,
        _,
    >(
            __site,
            {
                use ::telemetry::__private::ReturnsOther as _;
                ::telemetry::__private::Returns::<
                    ::telemetry::__private::core::convert::Infallible,
                >::new()
                    .__fallible()
            },
            async move {
                if false {
                    return ::telemetry::__private::never::<
                        ::telemetry::__private::core::convert::Infallible,
                    >();
                }
                let port = port;
                '__body: { listen(port).await }
            },
            move |__output| {
                return {
                    use ::telemetry::__private::Fallback as _;
                    ::telemetry::__private::Inspect(__output).__ended()
                };
            },
        )
        .await
    {}
}
