//! Every shape of a function, measured and called: its value is what it would be, and its call is counted as what it was.
#![deny(warnings, unused, unreachable_pub)]
// What these functions are there to show.
#![allow(
    clippy::multiple_bound_locations,
    clippy::needless_arbitrary_self_type,
    clippy::needless_return,
    clippy::ptr_arg
)]
#![allow(clippy::let_and_return, clippy::too_many_arguments)]

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::error::Error;
use std::fmt::{Debug, Display};
use std::future::Future;
use std::ops::ControlFlow;
use std::panic::{catch_unwind, AssertUnwindSafe, Location};
use std::pin::{pin, Pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use support::{assert_calls, assert_ok, calls, poll_once, recorded, run, Yields};
use telemetry::measured;

// ---- results ------------------------------------------------------------------------------------------------------

mod results {
    use super::*;

    #[measured]
    fn unit() {}

    #[measured]
    fn with_early_return(stop: bool) -> Result<u8, String> {
        if stop {
            return Err("asked to".into());
        }
        Ok(1)
    }

    #[measured]
    fn question_on_option(text: &str) -> Option<&str> {
        let (first, _) = text.split_once(' ')?;
        Some(first)
    }

    #[measured]
    fn question_on_control_flow(value: u8) -> ControlFlow<u8, u8> {
        let value = step(value)?;
        ControlFlow::Continue(value + 1)
    }

    fn step(value: u8) -> ControlFlow<u8, u8> {
        if value > 1 {
            ControlFlow::Break(value)
        } else {
            ControlFlow::Continue(value)
        }
    }

    #[measured]
    fn question_on_poll(ready: bool) -> Poll<Result<u8, String>> {
        let value: Poll<Result<u8, String>> = if ready { Poll::Ready(Ok(1)) } else { Poll::Pending };
        let value = value?;
        value.map(|value| Ok(value + 1))
    }

    #[measured]
    fn question_that_converts(text: &str) -> Result<u32, Box<dyn Error + Send + Sync>> {
        Ok(text.parse::<u32>()?)
    }

    #[measured]
    fn collects(texts: &[&str]) -> Result<Vec<u32>, std::num::ParseIntError> {
        texts.iter().map(|text| text.parse()).collect()
    }

    #[measured]
    fn is_default<T: Default>() -> T {
        Default::default()
    }

    #[measured]
    fn converts() -> u64 {
        7u32.into()
    }

    #[measured]
    fn never() -> ! {
        std::panic::panic_any(7u8)
    }

    #[measured]
    fn ends_in_a_loop(mut left: u8) -> u8 {
        loop {
            if left == 0 {
                break 9;
            }
            left -= 1;
        }
    }

    #[measured]
    fn diverges_with_a_type() -> u8 {
        panic!("asked to")
    }

    #[measured]
    fn returns_in_each_arm(value: Option<u8>) -> u8 {
        match value {
            Some(value) => return value,
            None => return 0,
        };
    }

    #[measured]
    fn ends_in_a_semicolon(value: u8) -> u8 {
        return value;
    }

    #[test]
    fn results_are_what_they_are() {
        unit();
        with_early_return(true).unwrap_err();
        assert_eq!(with_early_return(false), Ok(1));
        assert_calls("with_early_return", 1, 1, 0, 0);
        assert_eq!(question_on_option("a b"), Some("a"));
        assert_eq!(question_on_option("a"), None);
        assert_ok("question_on_option", 2);
        assert_eq!(question_on_control_flow(1), ControlFlow::Continue(2));
        assert_eq!(question_on_control_flow(2), ControlFlow::Break(2));
        assert_eq!(question_on_poll(true), Poll::Ready(Ok(2)));
        assert_eq!(question_on_poll(false), Poll::Pending);
        assert_eq!(question_that_converts("7").unwrap(), 7);
        question_that_converts("x").unwrap_err();
        assert_calls("question_that_converts", 1, 1, 0, 0);
        assert_eq!(collects(&["1", "2"]), Ok(vec![1, 2]));
        assert_eq!(is_default::<String>(), "");
        assert_eq!(is_default::<u8>(), 0);
        assert_ok("is_default", 2);
        assert_eq!(converts(), 7);
        catch_unwind(|| never()).unwrap_err();
        assert_calls("never", 0, 0, 1, 0);
        assert_eq!(ends_in_a_loop(3), 9);
        catch_unwind(diverges_with_a_type).unwrap_err();
        assert_calls("diverges_with_a_type", 0, 0, 1, 0);
        assert_eq!(returns_in_each_arm(Some(1)) + returns_in_each_arm(None), 1);
        assert_ok("returns_in_each_arm", 2);
        assert_eq!(ends_in_a_semicolon(4), 4);
    }
}

// ---- coercions and opaque types -----------------------------------------------------------------------------------

mod types {
    use super::*;

    #[measured]
    fn coerces_to_slice(early: bool) -> Option<&'static [u8]> {
        if early {
            return Some(&[1, 2]);
        }
        Some(&[1])
    }

    #[measured]
    fn coerces_to_dyn(early: bool) -> Box<dyn Debug> {
        if early {
            return Box::new(1);
        }
        Box::new("x")
    }

    #[measured]
    fn coerces_inside(early: bool) -> Result<Box<dyn Debug>, Box<dyn Error>> {
        if early {
            return Ok(Box::new(1));
        }
        Err("no".into())
    }

    #[measured]
    fn coerces_to_fn_pointer() -> fn(u8) -> u8 {
        |value| value + 1
    }

    #[measured]
    fn coerces_reference(text: &String) -> &str {
        text
    }

    #[measured]
    fn coerces_tuple() -> (Box<dyn Debug>, u8) {
        (Box::new(1), 2)
    }

    #[measured]
    fn opaque() -> impl Iterator<Item = u8> {
        [1, 2].into_iter()
    }

    #[measured]
    fn opaque_with_early_return(early: bool) -> impl Debug {
        if early {
            return 1;
        }
        2
    }

    #[measured]
    fn opaque_in_tuple() -> (impl Iterator<Item = u8>, u8) {
        ([1, 2].into_iter(), 3)
    }

    #[measured]
    fn opaque_in_result(fails: bool) -> Result<(impl Iterator<Item = u8>, u8), String> {
        if fails {
            return Err("asked to".into());
        }
        Ok((std::iter::once(1), 2))
    }

    #[measured]
    fn opaque_in_vec() -> Option<Vec<impl Fn(u8) -> u8>> {
        Some(vec![|value| value + 1])
    }

    #[measured]
    fn opaque_in_opaque() -> impl Iterator<Item = impl Display> {
        ["a", "b"].into_iter()
    }

    #[measured]
    fn closure() -> impl Fn(u8) -> u8 {
        |value| value + 1
    }

    #[measured]
    fn closure_with_inferred_reference() -> impl Fn(&str) -> usize {
        |text| text.trim().len()
    }

    #[measured]
    fn closure_with_inferred_borrowed_result() -> impl for<'a> Fn(&'a str, &u8) -> &'a str {
        |text, at| &text[usize::from(*at)..]
    }

    #[measured]
    fn closure_by_early_return(early: bool) -> impl Fn(&str) -> usize {
        let add = usize::from(early);
        return move |text| text.len() + add;
    }

    #[measured]
    fn closure_in_result() -> Result<impl Fn(&str) -> usize, String> {
        Ok(|text: &str| text.len())
    }

    #[measured]
    fn closure_in_box() -> Box<dyn Fn(&str) -> usize> {
        Box::new(|text| text.len())
    }

    #[measured]
    fn closure_once<'a>(text: &'a str) -> impl FnOnce() -> &'a str + 'a {
        move || text
    }

    #[measured]
    fn borrows_as_opaque(values: &[u8]) -> impl Iterator<Item = u8> + '_ {
        values.iter().map(|value| value + 1)
    }

    #[measured]
    fn borrows_with_use<'a>(values: &'a [u8]) -> impl Iterator<Item = &'a u8> + use<'a> {
        values.iter()
    }

    #[measured]
    fn takes_opaque(values: impl IntoIterator<Item = u8>, each: impl Fn(u8) -> u8) -> u8 {
        values.into_iter().map(each).sum()
    }

    #[measured]
    fn takes_dyn(each: &dyn Fn(u8) -> u8, more: &mut dyn FnMut()) -> u8 {
        more();
        each(1)
    }

    #[measured]
    fn higher_ranked<F>(each: F) -> usize
    where
        F: for<'a> Fn(&'a str) -> &'a str,
    {
        each("abc").len()
    }

    #[measured]
    fn generic<'a, T: Clone + 'a, const N: usize>(values: &'a [T; N]) -> [T; N]
    where
        T: Debug,
        [T; N]: Sized,
    {
        values.clone()
    }

    #[measured]
    fn associated<I: Iterator>(mut items: I) -> Option<I::Item>
    where
        I::Item: Debug,
    {
        items.next()
    }

    type Alias<T> = Result<T, String>;

    #[measured]
    fn alias(fails: bool) -> Alias<u8> {
        if fails {
            Err("asked to".into())
        } else {
            Ok(1)
        }
    }

    #[measured]
    fn not_sized(text: Box<str>) -> Box<str> {
        text
    }

    #[measured]
    fn is_a_future_and_more() -> impl Future<Output = u8> + Clone {
        std::future::ready(1)
    }

    #[test]
    fn types_are_what_they_were() {
        assert_eq!(coerces_to_slice(true), Some(&[1, 2][..]));
        assert_eq!(coerces_to_slice(false), Some(&[1][..]));
        assert_ok("coerces_to_slice", 2);
        assert_eq!(format!("{:?}{:?}", coerces_to_dyn(true), coerces_to_dyn(false)), "1\"x\"");
        assert!(coerces_inside(true).is_ok() && coerces_inside(false).is_err());
        assert_calls("coerces_inside", 1, 1, 0, 0);
        assert_eq!(coerces_to_fn_pointer()(1), 2);
        assert_eq!(coerces_reference(&String::from("x")), "x");
        assert_eq!(coerces_tuple().1, 2);
        assert_eq!(opaque().sum::<u8>(), 3);
        assert_ok("opaque", 1);
        assert_eq!(format!("{:?}", opaque_with_early_return(true)), "1");
        assert_eq!(opaque_in_tuple().0.sum::<u8>(), 3);
        assert_eq!(opaque_in_result(false).map(|(items, one)| items.sum::<u8>() + one).ok(), Some(3));
        // The type cannot be named before the first value is there.
        assert_eq!(calls("opaque_in_result"), recorded([Some(1), Some(0), None, None]));
        assert!(opaque_in_result(true).is_err());
        assert_calls("opaque_in_result", 1, 1, 0, 0);
        assert_eq!(opaque_in_vec().unwrap()[0](1), 2);
        assert_eq!(opaque_in_opaque().map(|item| item.to_string()).collect::<String>(), "ab");
        assert_eq!(closure()(1), 2);
        assert_eq!(closure_with_inferred_reference()(" a "), 1);
        assert_eq!(closure_with_inferred_borrowed_result()("abc", &1), "bc");
        assert_eq!(closure_by_early_return(true)("a"), 2);
        assert_eq!(closure_in_result().map(|length| length("ab")), Ok(2));
        assert_eq!(closure_in_box()("abc"), 3);
        assert_eq!(closure_once("a")(), "a");
        assert_eq!(borrows_as_opaque(&[1, 2]).sum::<u8>(), 5);
        assert_eq!(borrows_with_use(&[1, 2]).sum::<u8>(), 3);
        assert_eq!(takes_opaque(vec![1, 2], |value| value * 2), 6);
        assert_eq!(takes_dyn(&|value| value + 1, &mut || ()), 2);
        assert_eq!(higher_ranked(|text| &text[1..]), 2);
        assert_eq!(generic(&["a", "b"]), ["a", "b"]);
        assert_eq!(generic(&[1]), [1]);
        assert_ok("generic", 2);
        assert_eq!(associated([1].into_iter()), Some(1));
        assert!(alias(false).is_ok() && alias(true).is_err());
        assert_calls("alias", 1, 1, 0, 0);
        assert_eq!(&*not_sized("x".into()), "x");
        assert_eq!(run(is_a_future_and_more().clone()), 1);
        assert_ok("is_a_future_and_more", 1);
    }
}

// ---- parameters ---------------------------------------------------------------------------------------------------

mod parameters {
    use super::*;

    struct Pair {
        a: u8,
        b: u8,
    }

    #[measured]
    fn patterns(
        (a, mut b): (u8, u8),
        [c, .., d]: [u8; 4],
        Pair { a: e, b: ref f }: Pair,
        &g: &u8,
        _: String,
        mut h: u8,
        ref i: String,
        j @ (k, _): (u8, u8),
    ) -> usize {
        b += 1;
        h += 1;
        usize::from(a + b + c + d + e + *f + g + h + j.1 + k) + i.len()
    }

    #[measured]
    #[allow(non_snake_case)]
    fn our_names(
        __site: u8,
        __guard: u8,
        __output: u8,
        __path: u8,
        __CALL_SITE: u8,
        __type: u8,
        __future: u8,
        guard: u8,
        site: u8,
        core: u8,
        telemetry: u8,
    ) -> u8 {
        __site + __guard + __output + __path + __CALL_SITE + __type + __future + guard + site + core + telemetry
    }

    #[measured]
    #[allow(non_snake_case)]
    async fn our_names_later(__site: u8, __output: u8, __CALL_SITE: u8, __future: u8) -> u8 {
        const __PATH: u8 = 1;
        __site + __output + __CALL_SITE + __future + __PATH
    }

    #[measured]
    fn r#try(r#fn: u8, r#type: u8) -> u8 {
        r#fn + r#type
    }

    #[measured]
    fn by_reference(a: &mut u8, b: &u8) -> u8 {
        *a += b;
        *a
    }

    #[measured]
    fn reborrows<'a>(a: &'a mut Vec<u8>, at: usize) -> &'a mut u8 {
        if a.is_empty() {
            a.push(0);
        }
        &mut a[at]
    }

    #[measured]
    fn moves_out(pair: (String, String)) -> String {
        drop(pair.1);
        pair.0
    }

    #[measured]
    fn attributes(
        #[cfg(target_family = "wasm")] left_out: Missing,
        #[cfg(not(target_family = "wasm"))] kept: u8,
        #[allow(unused_variables)] quiet: u8,
    ) -> u8 {
        kept
    }

    #[measured]
    fn formats(_a: u8, b: u8) -> String {
        format!("{_a}{b}")
    }

    #[measured]
    fn shadows(value: u8) -> u8 {
        let value = value + 1;
        let guard = value;
        {
            let value = guard;
            value
        }
    }

    #[measured]
    fn hidden_lifetime(cell: RefMut) -> u8 {
        **cell.0
    }

    struct RefMut<'a>(&'a mut &'a u8);

    #[test]
    fn parameters_arrive() {
        let sum = patterns((1, 2), [3, 0, 0, 4], Pair { a: 5, b: 6 }, &7, String::new(), 8, "abc".into(), (9, 10));
        assert_eq!(sum, 1 + 3 + 3 + 4 + 5 + 6 + 7 + 9 + 10 + 9 + 3);
        assert_eq!(our_names(1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1), 11);
        assert_eq!(run(our_names_later(1, 1, 1, 1)), 5);
        assert_eq!(r#try(1, 2), 3);
        assert_ok("try", 1);
        assert_eq!(by_reference(&mut 1, &2), 3);
        assert_eq!(*reborrows(&mut vec![], 0), 0);
        assert_eq!(moves_out(("a".into(), "b".into())), "a");
        assert_eq!(attributes(1, 2), 1);
        assert_eq!(formats(1, 2), "12");
        assert_eq!(shadows(1), 2);
        assert_eq!(hidden_lifetime(RefMut(&mut &3)), 3);
    }
}

// ---- bodies -------------------------------------------------------------------------------------------------------

mod bodies {
    use super::*;

    #[measured]
    fn inner_attributes() -> u8 {
        #![allow(unused_variables)]
        let unused = 1;
        2
    }

    /// Documented.
    #[measured]
    #[inline(always)]
    #[allow(clippy::needless_return)]
    #[doc(alias = "other")]
    fn outer_attributes() -> u8 {
        return 1;
    }

    #[measured]
    fn items() -> u8 {
        const A: u8 = 1;
        static B: u8 = 2;
        fn c() -> u8 {
            3
        }
        struct D;
        impl D {
            fn d(&self) -> u8 {
                4
            }
        }
        A + B + c() + D.d()
    }

    mod shadowing {
        #[allow(dead_code)]
        pub(super) struct String;
    }

    #[measured]
    fn glob_import_shadows_the_return_type() -> String {
        #[allow(unused_imports)]
        use shadowing::*;
        std::string::String::from("x")
    }

    #[measured]
    fn closures_and_returns(values: &[u8]) -> u8 {
        let first = || -> Option<u8> { return values.first().copied() };
        let inner = |value: u8| {
            if value > 1 {
                return 1;
            }
            value
        };
        inner(first().unwrap_or_default())
    }

    #[measured]
    fn labels(values: &[[u8; 2]]) -> u8 {
        'outer: for pair in values {
            for value in pair {
                if *value == 0 {
                    continue 'outer;
                }
                if *value == 9 {
                    break 'outer;
                }
            }
        }
        'block: {
            if values.is_empty() {
                break 'block 1;
            }
            2
        }
    }

    #[measured]
    fn recursive(depth: u8) -> u8 {
        if depth == 0 {
            0
        } else {
            1 + recursive(depth - 1)
        }
    }

    #[measured]
    fn nested_measured() -> u8 {
        #[measured]
        fn inside() -> u8 {
            1
        }
        inside() + inside()
    }

    #[measured]
    fn borrows_a_local_in_its_tail(text: &str) -> usize {
        let cell = RefCell::new(text.to_owned());
        let length = cell.borrow().len();
        length
    }

    #[measured]
    fn tail_borrows_a_parameter(cell: RefCell<String>) -> usize {
        cell.borrow().len()
    }

    #[measured]
    fn tail_borrows_through_a_lock(lock: Arc<std::sync::Mutex<Vec<u8>>>) -> u8 {
        lock.lock().unwrap().iter().sum()
    }

    #[measured]
    async fn tail_borrows_later(lock: Arc<std::sync::Mutex<Vec<u8>>>) -> u8 {
        lock.lock().unwrap().iter().sum()
    }

    #[measured]
    unsafe fn is_unsafe(value: *const u8) -> u8 {
        // SAFETY: the caller's promise.
        unsafe { *value }
    }

    #[measured]
    #[allow(unsafe_op_in_unsafe_fn)]
    unsafe fn is_unsafe_all_over(value: *const u8) -> u8 {
        *value
    }

    #[measured]
    #[allow(unsafe_op_in_unsafe_fn)]
    async unsafe fn is_unsafe_later(value: &Cell<u8>) -> u8 {
        *value.as_ptr()
    }

    #[measured]
    extern "C" fn has_an_abi(a: u8) -> u8 {
        a + 1
    }

    #[measured]
    unsafe extern "C" fn has_an_abi_and_is_unsafe(a: *const u8) -> u8 {
        // SAFETY: the caller's promise.
        unsafe { *a }
    }

    #[measured]
    extern "C-unwind" fn unwinds() {
        panic!("asked to");
    }

    #[measured]
    #[unsafe(no_mangle)]
    pub(super) extern "C" fn torture_exported() -> u8 {
        1
    }

    // Since Rust 1.86 it need not be unsafe.
    #[cfg(all(feature = "newer", target_arch = "x86_64"))]
    #[measured]
    #[target_feature(enable = "sse2")]
    fn has_target_features(a: u8) -> u8 {
        use std::arch::x86_64::{_mm_cvtsi128_si32, _mm_cvtsi32_si128};
        u8::try_from(_mm_cvtsi128_si32(_mm_cvtsi32_si128(i32::from(a)))).unwrap()
    }

    #[cfg(target_arch = "x86_64")]
    #[measured]
    #[target_feature(enable = "sse2")]
    unsafe fn has_target_features_and_is_unsafe(a: u8) -> u8 {
        a
    }

    #[measured]
    fn statement_macros(value: u8) -> Result<u8, String> {
        macro_rules! bail {
            ($text:expr) => {
                return Err($text.into())
            };
        }
        if value > 1 {
            bail!("too much");
        }
        assert!(value < 2, "{value}");
        Ok(value)
    }

    #[test]
    fn bodies_do_what_they_did() {
        assert_eq!(inner_attributes() + outer_attributes(), 3);
        assert_eq!(items(), 10);
        assert_eq!(glob_import_shadows_the_return_type(), "x");
        assert_eq!(closures_and_returns(&[3]), 1);
        assert_eq!(labels(&[[0, 1], [9, 1]]), 2);
        assert_eq!(recursive(3), 3);
        assert_ok("recursive", 4);
        assert_eq!(nested_measured(), 2);
        assert_ok("nested_measured::inside", 2);
        assert_eq!(borrows_a_local_in_its_tail("ab"), 2);
        assert_eq!(tail_borrows_a_parameter(RefCell::new("ab".into())), 2);
        assert_eq!(tail_borrows_through_a_lock(Arc::new(vec![1, 2].into())), 3);
        assert_eq!(run(tail_borrows_later(Arc::new(vec![1, 2].into()))), 3);
        // SAFETY: references are valid.
        unsafe {
            assert_eq!(is_unsafe(&1) + is_unsafe_all_over(&2) + has_an_abi_and_is_unsafe(&3), 6);
            assert_eq!(run(is_unsafe_later(&Cell::new(4))), 4);
        }
        assert_eq!(has_an_abi(1), 2);
        catch_unwind(|| unwinds()).unwrap_err();
        assert_calls("unwinds", 0, 0, 1, 0);
        assert_eq!(torture_exported(), 1);
        #[cfg(target_arch = "x86_64")]
        {
            // SAFETY: part of the architecture.
            assert_eq!(unsafe { has_target_features_and_is_unsafe(5) }, 5);
            assert_ok("has_target_features_and_is_unsafe", 1);
        }
        #[cfg(all(feature = "newer", target_arch = "x86_64"))]
        {
            // SAFETY: part of the architecture.
            assert_eq!(unsafe { has_target_features(5) }, 5);
            assert_ok("has_target_features", 1);
        }
        statement_macros(2).unwrap_err();
        assert_eq!(statement_macros(1), Ok(1));
        assert_calls("statement_macros", 1, 1, 0, 0);
    }
}

// ---- methods ------------------------------------------------------------------------------------------------------

mod methods {
    use super::*;

    #[derive(Default)]
    pub(super) struct Reader<'r, T = u8> {
        rows: Vec<T>,
        name: &'r str,
    }

    impl<'r, T: Clone> Reader<'r, T> {
        const LIMIT: usize = 3;

        #[measured]
        fn new(rows: Vec<T>, name: &'r str) -> Self {
            Self { rows, name }
        }

        #[measured]
        fn first(&self) -> Option<&T> {
            self.rows.first()
        }

        #[measured]
        fn last(&mut self) -> Option<&mut T> {
            self.rows.last_mut()
        }

        #[measured]
        fn name(&self) -> &'r str {
            self.name
        }

        #[measured]
        fn limit(self: &Self) -> usize
        where
            T: 'r,
        {
            Self::LIMIT
        }

        #[measured]
        fn into_rows(self) -> Vec<T> {
            self.rows
        }

        #[measured]
        fn boxed(self: Box<Self>) -> Vec<T> {
            self.rows
        }

        #[measured]
        fn counted(self: Rc<Self>) -> usize {
            Rc::strong_count(&self)
        }

        #[measured]
        fn shared(self: &Arc<Self>) -> Arc<Self> {
            Arc::clone(self)
        }

        #[measured]
        fn pinned(self: Pin<&mut Self>) -> usize {
            self.rows.len()
        }

        #[measured]
        fn mutates(mut self) -> Self {
            self.rows.clear();
            self
        }

        #[measured]
        async fn reads(&mut self, more: &[T]) -> &[T] {
            self.rows.extend_from_slice(more);
            Yields(1).await;
            &self.rows
        }

        #[measured]
        async fn names(&self) -> &'r str {
            self.name
        }

        #[measured]
        async fn makes(name: &'r str) -> Reader<'r, T> {
            Self { rows: Vec::new(), name }
        }

        #[measured]
        fn iterates(&self) -> impl Iterator<Item = &T> + '_ {
            self.rows.iter()
        }

        #[measured]
        fn with<R>(&self, each: impl FnOnce(&Self) -> R) -> R {
            each(self)
        }
    }

    pub(super) trait Source: Sized {
        type Item;
        const MOST: u8;

        fn next(&mut self) -> Option<Self::Item>;

        #[measured]
        fn most(&self) -> u8 {
            Self::MOST
        }

        #[measured]
        fn made(value: u8) -> u8
        where
            Self: Sized,
        {
            value + Self::MOST
        }

        #[measured]
        fn take(mut self) -> (Self, Option<Self::Item>) {
            let item = self.next();
            (self, item)
        }
    }

    impl<'r, T: Clone> Source for Reader<'r, T> {
        type Item = T;
        const MOST: u8 = 9;

        #[measured]
        fn next(&mut self) -> Option<Self::Item> {
            self.rows.pop()
        }
    }

    impl Iterator for Reader<'_, u32> {
        type Item = u32;

        #[measured]
        fn next(&mut self) -> Option<Self::Item> {
            self.rows.pop()
        }
    }

    struct Logged(Rc<Cell<u8>>);

    impl Drop for Logged {
        #[measured]
        fn drop(&mut self) {
            self.0.set(1);
        }
    }

    struct Other;

    impl Source for Other {
        type Item = u8;
        const MOST: u8 = 1;

        #[measured]
        fn next(&mut self) -> Option<u8> {
            None
        }

        #[measured]
        fn most(&self) -> u8 {
            2
        }
    }

    impl PartialEq for Other {
        #[measured]
        fn eq(&self, _: &Other) -> bool {
            true
        }
    }

    #[test]
    fn methods_are_named_with_their_types() {
        let mut reader = Reader::new(vec![1u8, 2], "x");
        assert_eq!(reader.first(), Some(&1));
        *reader.last().unwrap() = 3;
        assert_eq!(reader.name(), "x");
        assert_eq!(reader.limit(), 3);
        assert_eq!(run(reader.reads(&[4])), [1, 3, 4]);
        assert_eq!(run(reader.names()), "x");
        assert_eq!(run(Reader::<u8>::makes("y")).name, "y");
        assert_eq!(reader.iterates().sum::<u8>(), 8);
        assert_eq!(reader.with(|reader| reader.rows.len()), 3);
        assert_eq!(Source::next(&mut reader), Some(4));
        assert_eq!((reader.most(), Reader::<u8>::made(1)), (9, 10));
        let (reader, item) = Source::take(reader);
        assert_eq!(item, Some(3));
        assert_eq!(Pin::new(&mut Reader::new(vec![1], "")).pinned(), 1);
        assert_eq!(Rc::new(Reader::new(vec![1], "")).counted(), 1);
        assert_eq!(Arc::strong_count(&Arc::new(Reader::new(vec![1], "")).shared()), 2);
        assert_eq!(Iterator::next(&mut Reader::new(vec![1u32], "")), Some(1));
        assert_eq!(reader.mutates().rows, []);
        assert_eq!((Other.next(), Other.most()), (None, 2));
        assert!(Other == Other);
        let cell = Rc::new(Cell::new(0));
        drop(Logged(Rc::clone(&cell)));
        assert_eq!(cell.get(), 1);
        assert_ok("<Logged as Drop>::drop", 1);
        assert_eq!(Reader::new(vec![1u8], "").into_rows(), [1]);
        assert_eq!(Box::new(Reader::new(vec![1u8], "")).boxed(), [1]);
        for name in [
            "Reader::first",
            "Reader::last",
            "Reader::name",
            "Reader::limit",
            "Reader::reads",
            "Reader::names",
            "Reader::makes",
            "Reader::iterates",
            "Reader::with",
            "Reader::into_rows",
            "Reader::boxed",
            "Reader::pinned",
            "Reader::counted",
            "Reader::shared",
            "Reader::mutates",
            "<Other as Source>::next",
            "<Other as Source>::most",
            "<Other as PartialEq>::eq",
            "Source::most",
            "Source::made",
            "Source::take",
            "<Reader<u32> as Iterator>::next",
        ] {
            assert_ok(name, 1);
        }
        assert_ok("<Reader as Source>::next", 2);
    }
}

// ---- macros, names, prelude ---------------------------------------------------------------------------------------

mod macros {
    use super::*;

    macro_rules! makes {
        ($visibility:vis fn $name:ident($argument:ident: $ty:ty) -> $output:ty $body:block) => {
            #[measured]
            $visibility fn $name($argument: $ty) -> $output $body
        };
    }

    makes!(
        pub(super) fn made_of_fragments(value: &u8) -> Result<u8, Box<dyn Error>> {
            Ok(*value)
        }
    );
    makes!(
        fn made_without_end(value: u8) -> ! {
            panic!("{value}")
        }
    );
    makes!(
        fn made_boxed(value: u8) -> Pin<Box<dyn Future<Output = u8>>> {
            Box::pin(async move { value })
        }
    );

    macro_rules! two {
        ($($name:ident: $value:expr),*) => {
            $(#[measured] fn $name() -> u8 { $value })*
        };
    }

    two!(made_first: 1, made_second: 2);

    macro_rules! method {
        ($ty:ty, $name:ident) => {
            impl $ty {
                #[measured]
                fn $name(&self) -> u8 {
                    self.0
                }
            }
        };
    }

    struct Made(u8);
    method!(Made, made_method);

    macro_rules! asynchronous {
        ($name:ident, $pattern:pat, $ty:ty, $value:expr) => {
            #[measured]
            async fn $name($pattern: $ty) -> $ty {
                $value
            }
        };
    }

    asynchronous!(made_later, (_, _), (u8, u8), (2, 3));

    #[test]
    fn what_a_macro_makes_is_measured() {
        assert_eq!(made_of_fragments(&1).unwrap(), 1);
        assert_eq!(calls("made_of_fragments"), recorded([Some(1), Some(0), None, None]));
        catch_unwind(|| made_without_end(1)).unwrap_err();
        assert_eq!(run(made_boxed(3)), 3);
        assert_ok("made_boxed", 1);
        assert_eq!(made_first() + made_second(), 3);
        assert_ok("made_first", 1);
        assert_ok("made_second", 1);
        assert_eq!(Made(4).made_method(), 4);
        assert_ok("Made::made_method", 1);
        assert_eq!(run(made_later((1, 2))), (2, 3));
    }
}

#[allow(dead_code, non_camel_case_types)]
mod shadowed {
    pub(super) struct Option;
    pub(super) struct Result;
    pub(super) struct Some;
    pub(super) struct Ok;
    pub(super) struct Err;
    pub(super) struct Box;
    pub(super) struct Future;
    pub(super) struct Fallback;
    pub(super) mod core {}
    pub(super) mod std {}
    pub(super) mod telemetry {}
    pub(super) trait Fn {}

    #[::telemetry::measured]
    pub(super) fn shadowed() -> ::std::result::Result<u8, ()> {
        ::std::result::Result::Ok(1)
    }

    #[::telemetry::measured]
    pub(super) async fn shadowed_later() -> ::std::option::Option<u8> {
        ::std::option::Option::Some(1)
    }

    #[::telemetry::measured]
    pub(super) fn shadowed_opaque() -> impl ::std::ops::Fn(&str) -> usize {
        |text| text.len()
    }

    macro_rules! module_path {
        () => {
            7
        };
    }
    macro_rules! line {
        () => {
            "x"
        };
    }
    pub(super) const THEIRS: (u8, &str) = (module_path!(), line!());
}

#[test]
fn the_prelude_may_be_shadowed() {
    assert_eq!(shadowed::shadowed(), Ok(1));
    assert_eq!(run(shadowed::shadowed_later()), Some(1));
    assert_eq!(shadowed::shadowed_opaque()("a"), 1);
    assert_eq!(shadowed::THEIRS, (7, "x"));
    for name in ["shadowed", "shadowed_later", "shadowed_opaque"] {
        assert_ok(name, 1);
    }
}

// ---- callers ------------------------------------------------------------------------------------------------------

mod callers {
    use super::*;

    #[measured]
    #[track_caller]
    fn line() -> u32 {
        Location::caller().line()
    }

    #[track_caller]
    #[measured]
    pub(super) fn line_of_a_public_one() -> Result<u32, String> {
        Ok(Location::caller().line())
    }

    #[measured]
    #[track_caller]
    fn unwraps<T: Copy, E: Debug>(result: Result<T, E>) -> T {
        result.unwrap()
    }

    #[measured]
    #[track_caller]
    fn fails(how: u8) -> Result<u32, String> {
        macro_rules! bail {
            () => {
                return Err("hidden".into())
            };
        }
        let closure = || -> Result<(), String> { return Ok(()) };
        closure()?;
        match how {
            0 => Ok(Location::caller().line()),
            1 => return Err("returned".into()),
            2 => return Ok(0),
            3 => {
                Err(String::from("question"))?;
                Ok(1)
            }
            4 => bail!(),
            _ => panic!("asked to"),
        }
    }

    #[measured]
    #[track_caller]
    fn diverges() -> ! {
        panic!("asked to")
    }

    #[measured]
    #[track_caller]
    fn returns_nothing(stop: bool) {
        if stop {
            return;
        }
        assert!(Location::caller().line() > 0);
    }

    #[measured]
    #[track_caller]
    fn opaque() -> impl Debug {
        Location::caller().line()
    }

    #[measured]
    #[track_caller]
    fn in_a_box() -> Pin<Box<dyn Future<Output = u32>>> {
        let line = Location::caller().line();
        Box::pin(async move { line })
    }

    trait Asks {
        #[track_caller]
        fn asks(&self) -> u32;

        #[measured]
        #[track_caller]
        fn asks_by_default(&self) -> u32 {
            Location::caller().line()
        }
    }

    struct Asked<T>(T);

    impl<T: Copy> Asked<T> {
        #[measured]
        #[track_caller]
        fn method(&self, value: Option<T>) -> (T, u32) {
            let Some(value) = value else { return (self.0, Location::caller().line()) };
            (value, Location::caller().line())
        }

        #[measured]
        #[track_caller]
        fn make(value: T) -> (Self, u32) {
            (Self(value), Location::caller().line())
        }
    }

    impl<T> Asks for Asked<T> {
        #[measured]
        #[track_caller]
        fn asks(&self) -> u32 {
            Location::caller().line()
        }
    }

    impl std::ops::Index<u8> for Asked<u8> {
        type Output = u8;

        #[measured]
        #[track_caller]
        fn index(&self, index: u8) -> &u8 {
            if index == 0 {
                &self.0
            } else {
                panic!("{}", Location::caller().line())
            }
        }
    }

    /// The trait declares `#[track_caller]`, and this does not say so.
    impl std::ops::Index<u16> for Asked<u8> {
        type Output = u8;

        #[measured]
        fn index(&self, index: u16) -> &u8 {
            if index == 0 {
                return &self.0;
            }
            panic!("{}", Location::caller().line())
        }
    }

    #[test]
    fn the_caller_of_a_trait_stays_the_caller() {
        let asked = Asked(3u8);
        assert_eq!(asked[0u16], 3);
        let panic = catch_unwind(AssertUnwindSafe(|| asked[1u16])).unwrap_err();
        assert_eq!(panic.downcast_ref::<String>(), Some(&(line!() - 1).to_string()));
        assert_calls("<Asked<u8> as Index<u16>>::index", 1, 0, 1, 0);
    }

    #[test]
    fn the_caller_stays_the_caller() {
        assert_eq!(line(), line!());
        assert_ok("line", 1);
        assert_eq!(line_of_a_public_one(), Ok(line!()));
        assert_eq!(calls("line_of_a_public_one"), recorded([Some(1), Some(0), None, None]));
        assert_eq!(unwraps(Ok::<_, ()>(1)), 1);
        assert_eq!(fails(0), Ok(line!()));
        fails(1).unwrap_err();
        assert_calls("fails", 1, 1, 0, 0);
        fails(2).unwrap();
        assert_calls("fails", 2, 1, 0, 0);
        fails(3).unwrap_err();
        assert_calls("fails", 2, 2, 0, 0);
        fails(4).unwrap_err();
        assert_calls("fails", 2, 3, 0, 0);
        catch_unwind(|| fails(5)).unwrap_err();
        assert_calls("fails", 2, 3, 1, 0);
        catch_unwind(|| diverges()).unwrap_err();
        assert_calls("diverges", 0, 0, 1, 0);
        returns_nothing(true);
        returns_nothing(false);
        assert_ok("returns_nothing", 2);
        assert_eq!(format!("{:?}", opaque()), line!().to_string());
        assert_eq!(run(in_a_box()), line!());
        let (asked, made) = Asked::make(1u8);
        assert_eq!(made, line!() - 1);
        assert_eq!(asked.method(None), (1, line!()));
        assert_eq!(asked.method(Some(2)), (2, line!()));
        assert_eq!(asked.asks(), line!());
        assert_eq!(asked.asks_by_default(), line!());
        assert_eq!(asked[0u8], 1);
        let panic = catch_unwind(AssertUnwindSafe(|| asked[1u8])).unwrap_err();
        assert_eq!(panic.downcast_ref::<String>(), Some(&(line!() - 1).to_string()));
        assert_ok("Asked::make", 1);
        assert_ok("Asked::method", 2);
        assert_ok("<Asked as Asks>::asks", 1);
        assert_ok("Asks::asks_by_default", 1);
    }

    struct Calls;

    impl Drop for Calls {
        fn drop(&mut self) {
            called_while_unwinding(true).unwrap();
            called_while_unwinding(false).unwrap_err();
        }
    }

    #[measured]
    #[track_caller]
    fn called_while_unwinding(succeeds: bool) -> Result<u8, u8> {
        if succeeds {
            return Ok(1);
        }
        Err(2)?;
        Ok(3)
    }

    #[test]
    fn a_thread_that_unwinds_makes_no_panic_of_a_call() {
        catch_unwind(|| {
            let _calls = Calls;
            panic!("asked to");
        })
        .unwrap_err();
        assert_calls("called_while_unwinding", 1, 1, 0, 0);
    }
}

// ---- drops --------------------------------------------------------------------------------------------------------

mod drops {
    use super::*;

    /// Writes its name when it is dropped.
    struct Logs(&'static str);

    thread_local! {
        static LOG: RefCell<Vec<&'static str>> = const { RefCell::new(Vec::new()) };
    }

    impl Drop for Logs {
        fn drop(&mut self) {
            LOG.with_borrow_mut(|log| log.push(self.0));
        }
    }

    impl Logs {
        fn length(&self) -> usize {
            self.0.len()
        }
    }

    fn logged<R>(f: impl FnOnce() -> R) -> Vec<&'static str> {
        drop(f());
        LOG.take()
    }

    struct Both {
        a: Logs,
        b: Logs,
    }

    macro_rules! twins {
        ($(#[$also:meta])* $plain:ident, $measured:ident, [$($before:tt)*], $arguments:tt $(-> $output:ty)? $body:block) => {
            $($before)* fn $plain $arguments $(-> $output)? $body

            #[measured]
            $(#[$also])*
            $($before)* fn $measured $arguments $(-> $output)? $body
        };
    }

    twins!(plain, as_plain, [], (_a: Logs, b: Logs, _: Logs, (_c, _): (Logs, Logs), mut d: Logs) {
        let _local = Logs("local");
        d.0 = "d, changed";
        drop(b);
    });
    twins!(#[track_caller] plain_tracked, as_plain_tracked, [], (_a: Logs, b: Logs, _: Logs, (_c, _): (Logs, Logs), mut d: Logs) {
        let _local = Logs("local");
        d.0 = "d, changed";
        drop(b);
    });
    twins!(plain_later, as_plain_later, [async], (_a: Logs, b: Logs, _: Logs, (_c, _): (Logs, Logs), mut d: Logs) {
        let _local = Logs("local");
        Yields(1).await;
        d.0 = "d, changed";
        drop(b);
    });
    twins!(#[must_use] plain_must_use, as_plain_must_use, [async], (_a: Logs, _: Logs, c: Logs) -> u8 {
        let _local = Logs("local");
        Yields(1).await;
        drop(c);
        1
    });
    twins!(plain_partly, as_plain_partly, [], (pair: Both, _unused: Logs) -> Logs {
        let _local = Logs("local");
        let _ = &pair.b;
        pair.a
    });
    twins!(plain_tail, as_plain_tail, [], (a: Logs, b: Logs) -> usize {
        let _local = Logs("local");
        std::convert::identity(Logs("temporary")).length() + a.length() + b.length()
    });
    twins!(plain_tail_later, as_plain_tail_later, [async], (a: Logs, b: Logs) -> usize {
        let _local = Logs("local");
        Yields(1).await;
        std::convert::identity(Logs("temporary")).length() + a.length() + b.length()
    });
    twins!(plain_early, as_plain_early, [], (a: Logs, b: Option<Logs>) -> Option<Logs> {
        let _local = Logs("local");
        let b = b?;
        let _later = Logs("later");
        if b.0 == "b" {
            return Some(a);
        }
        Some(b)
    });
    twins!(plain_future, as_plain_future, [], (a: Logs, _b: Logs, _: Logs) -> Pin<Box<dyn Future<Output = u8>>> {
        let _local = Logs("local");
        Box::pin(async move {
            let _inside = Logs("inside");
            Yields(1).await;
            u8::try_from(a.length()).unwrap()
        })
    });
    twins!(plain_block, as_plain_block, [], (a: Logs, _b: Logs, _: Logs) -> impl Future<Output = u8> {
        async move {
            let _inside = Logs("inside");
            Yields(1).await;
            u8::try_from(a.length()).unwrap()
        }
    });

    #[test]
    fn arguments_and_locals_are_dropped_as_without_the_attribute() {
        macro_rules! arguments {
            ($f:ident, five) => {
                $f(Logs("a"), Logs("b"), Logs("_"), (Logs("c"), Logs("c.1")), Logs("d"))
            };
            ($f:ident, three) => {
                $f(Logs("a"), Logs("b"), Logs("c"))
            };
            ($f:ident, two) => {
                $f(Logs("a"), Logs("b"))
            };
        }
        macro_rules! same {
            ($plain:ident, $measured:ident, $arguments:tt, $length:literal) => {
                let expected = logged(|| arguments!($plain, $arguments));
                assert_eq!(logged(|| arguments!($measured, $arguments)), expected);
                assert_eq!(expected.len(), $length, "{expected:?}");
            };
            ($plain:ident, $measured:ident, $arguments:tt, $length:literal, async) => {
                same!($plain, $measured, $arguments, $length);
                let expected = logged(|| run(arguments!($plain, $arguments)));
                assert_eq!(logged(|| run(arguments!($measured, $arguments))), expected);
                let half_way = logged(|| {
                    let mut future = Box::pin(arguments!($plain, $arguments));
                    assert!(poll_once(future.as_mut()).is_pending());
                    future
                });
                assert_eq!(
                    logged(|| {
                        let mut future = Box::pin(arguments!($measured, $arguments));
                        assert!(poll_once(future.as_mut()).is_pending());
                        future
                    }),
                    half_way
                );
            };
        }
        same!(plain, as_plain, five, 7);
        same!(plain_tracked, as_plain_tracked, five, 7);
        same!(plain_later, as_plain_later, five, 6, async);
        same!(plain_must_use, as_plain_must_use, three, 3, async);
        same!(plain_tail, as_plain_tail, two, 4);
        same!(plain_tail_later, as_plain_tail_later, two, 2, async);
        same!(plain_future, as_plain_future, three, 4, async);
        same!(plain_block, as_plain_block, three, 3, async);
        let both = || (Both { a: Logs("a"), b: Logs("b") }, Logs("unused"));
        let expected = logged(|| plain_partly(both().0, both().1));
        assert_eq!(logged(|| as_plain_partly(both().0, both().1)), expected);
        for b in ["b", "other", "none"] {
            let b = || (b != "none").then(|| Logs(b));
            let expected = logged(|| plain_early(Logs("a"), b()));
            assert_eq!(logged(|| as_plain_early(Logs("a"), b())), expected);
        }
        assert_calls("drops::as_plain", 0, 0, 0, 0);
        assert_calls("as_plain_later", 1, 0, 0, 1);
    }
}

// ---- other people's macros ----------------------------------------------------------------------------------------

mod beside {
    use super::*;

    #[measured]
    #[test]
    fn measured_above_test() {}

    #[test]
    #[measured]
    fn measured_below_test() {}

    #[test]
    #[measured]
    #[should_panic(expected = "asked to")]
    fn measured_in_between() {
        panic!("asked to");
    }

    #[tokio::test]
    #[measured]
    async fn measured_below_tokio() {
        tokio::task::yield_now().await;
    }

    #[measured]
    #[tokio::test]
    async fn measured_above_tokio() {
        tokio::task::yield_now().await;
    }

    mod below {
        #[tokio::main(flavor = "current_thread")]
        #[telemetry::measured]
        pub(super) async fn main() -> Result<(), Box<dyn std::error::Error>> {
            tokio::task::yield_now().await;
            Ok(())
        }
    }

    mod above {
        #[telemetry::measured]
        #[tokio::main(flavor = "current_thread")]
        pub(super) async fn main() -> u8 {
            tokio::task::yield_now().await;
            7
        }
    }

    #[test]
    fn measured_above_and_below_an_entry_point() {
        below::main().unwrap();
        assert_eq!(above::main(), 7);
        assert_calls("main", 1, 0, 0, 0);
    }

    #[measured]
    #[must_use]
    async fn must_be_used() -> u8 {
        1
    }

    #[measured]
    #[measured(name = "twice")]
    fn measured_twice() -> u8 {
        1
    }

    #[measured]
    #[measured(name = "twice_tracked")]
    #[track_caller]
    fn measured_twice_tracked() -> u32 {
        Location::caller().line()
    }

    #[measured]
    #[measured(name = "twice_later")]
    async fn measured_twice_later() -> u8 {
        1
    }

    #[test]
    fn the_attribute_may_stand_twice() {
        assert_eq!(measured_twice() + run(measured_twice_later()) + run(must_be_used()), 3);
        assert_eq!(measured_twice_tracked(), line!());
        assert_ok("twice_tracked", 1);
        for name in ["twice", "twice_later", "measured_twice", "measured_twice_later", "must_be_used"] {
            assert_ok(name, 1);
        }
    }

    #[derive(Debug, Clone, PartialEq, Eq, Hash)]
    struct Key(u8);

    #[measured]
    fn uses_derived(map: &mut HashMap<Key, u8>, key: Key) -> Option<u8> {
        map.insert(key.clone(), 1);
        map.get(&key).copied()
    }

    #[test]
    fn what_is_derived_works_inside() {
        assert_eq!(uses_derived(&mut HashMap::new(), Key(1)), Some(1));
        let _ = (Context::from_waker(Waker::noop()), pin!(async {}));
    }
}
