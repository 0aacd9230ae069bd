pub fn load(
    path: &Path,
    __argument_1: (u8, String),
    __argument_2: u8,
) -> Result<u8, Error> {
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
    let __guard = ::telemetry::__private::enter(
        __site,
        {
            use ::telemetry::__private::ReturnsOther as _;
            ::telemetry::__private::Returns::<Result<u8, Error>>::new().__fallible()
        },
    );
    let __output = ::telemetry::__private::call(move || -> Result<u8, Error> {
        let path = path;
        let __argument_1 = __argument_1;
        let (a, _) = __argument_1;
        let __argument_2 = __argument_2;
        '__body: {
            let text = read(path)?;
            Ok(text.len() + a)
        }
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
