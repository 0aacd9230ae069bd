#[track_caller]
fn at(&self, index: usize) -> Result<u8, Error> {
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
    let __guard = ::telemetry::__private::enter_in_place(
        __site,
        {
            use ::telemetry::__private::ReturnsOther as _;
            ::telemetry::__private::Returns::<Result<u8, Error>>::new().__fallible()
        },
    );
    let __output = ::telemetry::__private::core::convert::identity::<
        Result<u8, Error>,
    >('__reachable: {
        if false {
            let __never = ::telemetry::__private::never::<Result<u8, Error>>();
            break '__reachable __never;
        }
        '__body: {
            if index == 0 {
                break '__reachable Ok(self.first);
            }
            self.find(index)?;
            Err(Error::at(Location::caller()))
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
