mod source {
    impl Reader {
        const fn new() -> Reader {
            Reader
        }
        /// The next.
        #[inline]
        #[telemetry::measured(crate = telemetry)]
        pub fn next(&mut self) -> Option<u8> {
            None
        }
        fn len(&self) -> usize {
            0
        }
        #[measured(crate = telemetry, name = "last")]
        fn last(&self) -> u8 {
            1
        }
    }
    trait Source {
        fn next(&mut self);
        #[telemetry::measured(crate = telemetry)]
        fn by_default(&self) -> u8 {
            2
        }
    }
}
