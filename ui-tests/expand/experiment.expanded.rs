fn classify(batch_size: usize, cutoff: f64, model: &Model) -> Result<f64, Error> {
    let __run = ::telemetry::__private::experiment::Run::of_call();
    let __within = &__run;
    let __output = __within
        .caught(move || -> Result<f64, Error> {
            let batch_size = batch_size;
            let cutoff = cutoff;
            let model = model;
            let __experiment = __within
                .start(
                    ::telemetry::__private::experiment::Settings::new(30000u64)
                        .project(&("flights"))
                        .name(&(model.name()))
                        .tag(&("rust")),
                );
            let experiment: &Experiment = __experiment;
            __within.parameter("batch_size", &(batch_size));
            __within.parameter("threshold", &(cutoff * 2.0));
            '__body: {
                experiment.log_metric("loss", model.loss(batch_size)?);
                Ok(cutoff)
            }
        });
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
    __run.end();
    __output
}
fn never() -> ! {
    let __run = ::telemetry::__private::experiment::Run::of_call();
    let __within = &__run;
    __within
        .caught(move || -> ! {
            let __experiment = __within
                .start(::telemetry::__private::experiment::Settings::new(0u64));
            '__body: { loop {} }
        })
}
