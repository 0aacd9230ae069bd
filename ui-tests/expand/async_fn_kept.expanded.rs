#[tokio::main]
async fn main() -> Result<(), Error> {
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
        Result<(), Error>,
        _,
        _,
    >(
            __site,
            {
                use ::telemetry::__private::ReturnsOther as _;
                ::telemetry::__private::Returns::<Result<(), Error>>::new().__fallible()
            },
            async move {
                if false {
                    return ::telemetry::__private::never::<Result<(), Error>>();
                }
                '__body: { load().await }
            },
            move |__output| {
                return {
                    use ::telemetry::__private::{
                        Fallback as _, ShownByDebug as _, ShownByDisplay as _,
                    };
                    (&&::telemetry::__private::Inspect(__output)).__ended()
                };
            },
        )
        .await;
}
