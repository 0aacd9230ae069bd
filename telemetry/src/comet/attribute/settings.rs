//! What the attribute was told.

use crate::comet::Config;
use std::borrow::Cow;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// What the attribute was told of the run. Texts are borrowed: the arguments of the function are its body's.
#[derive(Debug)]
pub struct Settings {
    config: Config,
}

impl Settings {
    /// `every_millis` is 0 where nothing of what is recorded is to be logged.
    #[must_use]
    pub fn new(every_millis: u64) -> Settings {
        Settings { config: Config::new().recorded_every(Duration::from_millis(every_millis)) }
    }

    /// Where the run belongs.
    #[must_use]
    pub fn workspace<T: Text + ?Sized>(self, workspace: &T) -> Settings {
        Settings { config: self.config.workspace(workspace.text()) }
    }

    /// The project in it.
    #[must_use]
    pub fn project<T: Text + ?Sized>(self, project: &T) -> Settings {
        Settings { config: self.config.project(project.text()) }
    }

    /// What the run is called.
    #[must_use]
    pub fn name<T: Text + ?Sized>(self, name: &T) -> Settings {
        Settings { config: self.config.name(name.text()) }
    }

    /// A tag more.
    #[must_use]
    pub fn tag<T: Text + ?Sized>(self, tag: &T) -> Settings {
        Settings { config: self.config.tag(tag.text()) }
    }

    pub(super) fn config(self) -> Config {
        self.config
    }
}

/// What the attribute takes for a text.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no text",
    label = "a text is expected here",
    note = "a text is a `&str`, a `String`, a `Cow<str>`, or a pointer to one; of another value `format!(\"{{}}\", …)` makes one"
)]
pub trait Text {
    /// As it is.
    fn text(&self) -> &str;
}

impl Text for str {
    fn text(&self) -> &str {
        self
    }
}

impl Text for String {
    fn text(&self) -> &str {
        self
    }
}

impl Text for Cow<'_, str> {
    fn text(&self) -> &str {
        self
    }
}

macro_rules! behind {
    ($($pointer:ty),*) => {$(
        impl<T: Text + ?Sized> Text for $pointer {
            fn text(&self) -> &str {
                (**self).text()
            }
        }
    )*};
}

behind!(&T, &mut T, Box<T>, Rc<T>, Arc<T>);
