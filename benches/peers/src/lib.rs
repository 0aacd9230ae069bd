//! What does a measured call cost, beside the crates that do the same?
//!
//! All contestants wrap the same function and run in one process, in turns: [`contestants`] says who they are, [`contestant`] what one is,
//! [`contest`] how they take turns and what becomes of the figures, [`table`] shows them. Two threads that run at once are a [`pair`], many
//! more a [`crowd`]. An allocator is a program's choice, so [`allocations`] starts two programs in turns. [`scrape`] has the contestants of
//! another contest, and [`machine`] says where it all ran.

pub mod allocations;
pub mod contest;
pub mod contestant;
pub mod contestants;
pub mod crowd;
pub mod machine;
pub mod pair;
pub mod scrape;
pub mod table;
