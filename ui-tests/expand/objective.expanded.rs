fn load(&self) -> Result<u8, Error> {
    let __site = {
        enum __Path {}
        static __CALL_SITE: ::telemetry::__private::CallSite = ::telemetry::__private::CallSite::new(
                "",
                ::telemetry::__private::core::any::type_name::<__Path>,
                ::telemetry::__private::core::module_path!(),
                ::telemetry::__private::core::file!(),
                ::telemetry::__private::core::line!(),
            )
            .asked({
                static __ASKED: ::telemetry::__private::Asked = ::telemetry::__private::Asked::new()
                    .thresholds(&[0.25f64]);
                &__ASKED
            });
        ::telemetry::__private::inventory::submit! {
            ::telemetry::__private::Declared::function(& __CALL_SITE).success(0.999f64)
            .latency(0.25f64, 0.99f64).window(28u32)
        }
        &__CALL_SITE
    };
    let __guard = ::telemetry::__private::enter(
        __site,
        {
            use ::telemetry::__private::ReturnsOther as _;
            ::telemetry::__private::Returns::<Result<u8, Error>>::new().__fallible()
        },
    );
    let __output = ::telemetry::__private::call(move || -> Result<u8, Error> {
        let _ = &self;
        '__body: { self.read() }
    });
    __guard
        .end({
            use ::telemetry::__private::{
                Fallback as _, ShownByDebug as _, ShownByDisplay as _,
            };
            (&&::telemetry::__private::Inspect(&__output)).__ended()
        });
    return __output;
}
#[cfg(doc)]
async fn fetch() {}
#[cfg(not(doc))]
fn fetch() -> impl ::telemetry::__private::core::future::Future<Output = ()> {
    let __site = {
        enum __Path {}
        static __CALL_SITE: ::telemetry::__private::CallSite = ::telemetry::__private::CallSite::new(
            "other",
            ::telemetry::__private::core::any::type_name::<__Path>,
            ::telemetry::__private::core::module_path!(),
            ::telemetry::__private::core::file!(),
            ::telemetry::__private::core::line!(),
        );
        ::telemetry::__private::inventory::submit! {
            ::telemetry::__private::Declared::function(& __CALL_SITE).success(0.99f64)
            .window(30u32)
        }
        &__CALL_SITE
    };
    return ::telemetry::__private::measured_future::<
        (),
        _,
        _,
    >(
        __site,
        false,
        async move {
            if false {
                return ::telemetry::__private::never::<()>();
            }
            '__body: {}
        },
        move |__output| {
            return {
                use ::telemetry::__private::Fallback as _;
                ::telemetry::__private::Inspect(__output).__ending()
            };
        },
    );
}
