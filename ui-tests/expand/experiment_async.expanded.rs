async fn classify(batch_size: usize) -> Result<f64, Error> {
    let __run = ::telemetry::__private::experiment::Run::of_future();
    let __within = &__run;
    let __output = __within
        .polled(async move {
            if false {
                return ::telemetry::__private::never::<Result<f64, Error>>();
            }
            let batch_size = batch_size;
            let __experiment = __within
                .start(::telemetry::__private::experiment::Settings::new(10000u64));
            let experiment: &Experiment = __experiment;
            __within.parameter("batch_size", &(batch_size));
            '__body: {
                experiment.add_tag("async");
                loss(batch_size).await
            }
        })
        .await;
    {
        use ::telemetry::__private::Fallback as _;
        use ::telemetry::__private::experiment::{
            Logs as _, LogsNothing as _, SaysByDebug as _, SaysByDisplay as _,
        };
        __run
            .returned(
                ::telemetry::__private::Inspect(&__output).__ending(),
                |__experiment| {
                    (&::telemetry::__private::experiment::Returned(&__output))
                        .__log_to(__experiment)
                },
                || {
                    (&&::telemetry::__private::experiment::Says(
                        ::telemetry::__private::Inspect(&__output).__error(),
                    ))
                        .__says()
                },
            );
    }
    __run.ended().await;
    __output
}
async fn never() -> ! {
    let __run = ::telemetry::__private::experiment::Run::of_future();
    let __within = &__run;
    match __within
        .polled(async move {
            if false {
                return ::telemetry::__private::never::<
                    ::telemetry::__private::core::convert::Infallible,
                >();
            }
            let __experiment = __within
                .start(::telemetry::__private::experiment::Settings::new(10000u64));
            '__body: {
                loop {
                    later().await;
                }
            }
        })
        .await
    {}
}
