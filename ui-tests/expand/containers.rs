#[measured(crate = telemetry)]
mod source {
    impl Reader {
        const fn new() -> Reader {
            Reader
        }

        /// The next.
        #[inline]
        pub fn next(&mut self) -> Option<u8> {
            None
        }

        #[measured(skip)]
        fn len(&self) -> usize {
            0
        }

        #[measured(name = "last")]
        fn last(&self) -> u8 {
            1
        }
    }

    trait Source {
        fn next(&mut self);

        fn by_default(&self) -> u8 {
            2
        }
    }
}
