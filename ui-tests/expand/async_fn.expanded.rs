#[cfg(doc)]
async fn load<'a, T>(path: &'a Path, mut rows: Vec<T>) -> Result<&'a T, Error>
where
    T: Row,
{
    #![allow(unused)]
    rows.push(read(path).await?);
    Ok(rows)
}
#[cfg(not(doc))]
fn load<'a, T>(
    path: &'a Path,
    rows: Vec<T>,
) -> impl ::telemetry::__private::core::future::Future<Output = Result<&'a T, Error>>
where
    T: Row,
{
    #![allow(unused)]
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
        Result<&'a T, Error>,
        _,
        _,
    >(
        __site,
        {
            use ::telemetry::__private::ReturnsOther as _;
            ::telemetry::__private::Returns::<Result<&'a T, Error>>::new().__fallible()
        },
        async move {
            if false {
                return ::telemetry::__private::never::<Result<&'a T, Error>>();
            }
            let path = path;
            let mut rows = rows;
            '__body: {
                rows.push(read(path).await?);
                Ok(rows)
            }
        },
        move |__output| {
            return {
                use ::telemetry::__private::{
                    Fallback as _, ShownByDebug as _, ShownByDisplay as _,
                };
                (&&::telemetry::__private::Inspect(__output)).__ended()
            };
        },
    );
}
