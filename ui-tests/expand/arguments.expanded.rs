#[cfg(doc)]
async fn fetch(&self, carrier: &str) -> Option<Page> {
    self.pages.get(carrier).await
}
#[cfg(not(doc))]
fn fetch(
    &self,
    carrier: &str,
) -> impl ::telemetry::__private::core::future::Future<Output = Option<Page>> {
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
                    .labels(&["carrier", "pages"]);
                &__ASKED
            });
        &__CALL_SITE
    };
    let __site = if ::telemetry::__private::RECORDS {
        ::telemetry::__private::labelled(
            __site,
            &[
                ::telemetry::__private::IntoLabel::as_label(&(carrier)),
                ::telemetry::__private::IntoLabel::as_label(&(self.pages.len())),
            ],
        )
    } else {
        __site
    };
    return ::telemetry::__private::measured_future::<
        Option<Page>,
        _,
        _,
    >(
        __site,
        true,
        async move {
            if false {
                return ::telemetry::__private::never::<Option<Page>>();
            }
            let _ = &self;
            let carrier = carrier;
            let _ = &carrier;
            '__body: { self.pages.get(carrier).await }
        },
        move |__output| {
            return {
                use ::telemetry::__private::Fallback as _;
                let __ending = ::telemetry::__private::Ending::ok_if(
                    __output,
                    Option::is_some,
                );
                if __ending.is_error() {
                    use ::telemetry::__private::{ShownLess as _, ShownNot as _};
                    let __inspect = ::telemetry::__private::Inspect(__output);
                    let __error = __inspect.__error();
                    ::telemetry::__private::note_output(
                        __error,
                        (&::telemetry::__private::Shown::of(&__error)).__show(),
                    );
                }
                __ending
            };
        },
    );
}
#[track_caller]
fn at<T>(rows: &[T], index: usize) -> Result<&T, Error> {
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
                    .counts();
                &__ASKED
            });
        &__CALL_SITE
    };
    let __site = ::telemetry::__private::instantiation(__site, &|| ());
    let __guard = ::telemetry::__private::count_in_place(
        __site,
        {
            use ::telemetry::__private::ReturnsOther as _;
            ::telemetry::__private::Returns::<Result<&T, Error>>::new().__fallible()
        },
    );
    let __output = ::telemetry::__private::core::convert::identity::<
        Result<&T, Error>,
    >('__reachable: {
        if false {
            let __never = ::telemetry::__private::never::<Result<&T, Error>>();
            break '__reachable __never;
        }
        '__body: { rows.get(index).ok_or(Error::at(Location::caller())) }
    });
    __guard
        .end({
            use ::telemetry::__private::Fallback as _;
            let __ending = ::telemetry::__private::Inspect(&__output).__ending();
            if __ending.is_error() {
                ::telemetry::__private::count_error(
                    __site,
                    ::telemetry::__private::Inspect(&__output).__error(),
                    Error::kind,
                );
            }
            __ending
        });
    return __output;
}
