//! Who may ask, where the server is, and what nobody reads.

use super::*;
use std::ffi::OsString;

#[test]
fn a_token_or_a_user_lets_in_and_nothing_else() {
    let server = StandIn::start(Api::Both, "");
    let build = |builder: ClientBuilder| builder.build().unwrap();
    let user = build(Client::builder(server.url()).basic("admin", "right").organization(2));
    assert_eq!(user.organization().unwrap().id, 2);
    let in_url = build(Client::builder(server.url().replace("//", "//admin:right@")));
    assert_eq!(in_url.organization().unwrap().name, "Main Org.");
    assert_eq!(build(Client::builder(server.url())).health().unwrap().version.as_deref(), Some("12.4.0"));
    let error = build(Client::builder(server.url())).organization().unwrap_err();
    assert!(matches!(&error, Error::Unauthorized(refusal) if refusal.code == 401), "{error:?}");
    for client in [
        build(Client::builder(server.url()).token("glsa_wrong-secret")),
        build(Client::builder(server.url()).basic("admin", "wrong-secret")),
    ] {
        let error = client.organization().unwrap_err();
        assert!(matches!(error, Error::Unauthorized(_)), "{error:?}");
        let said = format!("{error} {error:?} {client:?}");
        assert!(said.contains("Invalid API key") && !said.contains("wrong") && !said.contains("YWRta"), "{said}");
    }
}

#[test]
fn the_url_may_have_a_path() {
    for slash in ["", "/"] {
        let server = StandIn::start(Api::Both, "/sub/grafana");
        let client = Client::builder(server.url() + slash).token(TOKEN).build().unwrap();
        assert_eq!(client.ensure_folder("f", "Jobs").unwrap(), Change::Created);
        assert!(server.world().asked.iter().all(|asked| asked.path.starts_with("/sub/grafana/api/")));
        let wrong = Client::builder(server.url().replace("/sub/grafana", "")).token(TOKEN).build().unwrap();
        assert!(matches!(wrong.health(), Err(Error::Html { code: 404, .. })));
        assert!(matches!(wrong.folder("f"), Err(Error::Html { code: 404, .. })), "neither interface is there");
    }
}

#[test]
fn what_cannot_be_used_is_named_and_secrets_are_not_shown() {
    for url in
        ["", "grafana:3000", "ftp://grafana", "http://", "http://g:port", "http://g/?orgId=1", "http://u:secret/@g"]
    {
        let Err(Error::Setting { name, value, takes }) = Client::builder(url).build() else { panic!("{url}") };
        assert!(name == "Client::builder" && takes.contains("https://") && !value.contains("secret"), "{value}");
    }
    for builder in [
        Client::builder("http://g").token("secret secret"),
        Client::builder("http://g").token(""),
        Client::builder("http://g").token("secret").basic("u", "secret"),
        Client::builder("http://g").certificate_authorities("secret"),
    ] {
        assert!(!format!("{builder:?}").contains("secret"));
        let error = builder.build().unwrap_err();
        assert!(matches!(error, Error::Setting { .. }) && !format!("{error} {error:?}").contains("secret"), "{error}");
    }
}

#[test]
fn the_environment_says_it_by_names_that_errors_name() {
    let from = |variables: &[(&str, &str)]| {
        let variables: Vec<_> =
            variables.iter().map(|(name, value)| ((*name).to_owned(), OsString::from(value))).collect();
        ClientBuilder::from(move |name| {
            variables.iter().find(|(other, _)| other == name).map(|(_, value)| value.clone())
        })
        .and_then(ClientBuilder::build)
    };
    let url = ("GRAFANA_URL", "http://g");
    assert!(from(&[url, ("GRAFANA_TOKEN", "a"), ("GRAFANA_USER", ""), ("GRAFANA_PASSWORD", " ")]).is_ok());
    assert_eq!(
        from(&[("GRAFANA_URL", " http://g/x "), ("GRAFANA_USER", "a"), ("GRAFANA_PASSWORD", "b")]).unwrap().url(),
        "http://g/x"
    );
    for (variables, named) in [
        (vec![], "GRAFANA_URL"),
        (vec![("GRAFANA_URL", "g")], "GRAFANA_URL"),
        (vec![url, ("GRAFANA_USER", "a")], "GRAFANA_PASSWORD"),
        (vec![url, ("GRAFANA_PASSWORD", "secret")], "GRAFANA_USER"),
        (vec![url, ("GRAFANA_TOKEN", "secret é")], "GRAFANA_TOKEN"),
        (
            vec![url, ("GRAFANA_TOKEN", "secret"), ("GRAFANA_USER", "a"), ("GRAFANA_PASSWORD", "secret")],
            "GRAFANA_TOKEN",
        ),
    ] {
        let error = from(&variables).unwrap_err();
        let said = error.to_string();
        assert!(said.starts_with(named) && !said.contains("secret"), "{said}");
    }
}

#[test]
fn what_is_awaited_needs_no_runtime_and_goes_on_when_dropped() {
    use std::future::Future;
    use std::pin::pin;
    use std::sync::Arc;
    use std::task::{Context, Poll, Wake, Waker};
    struct Unpark(std::thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    fn wait<T>(future: impl Future<Output = T>) -> T {
        let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
        let mut future = pin!(future);
        loop {
            match future.as_mut().poll(&mut Context::from_waker(&waker)) {
                Poll::Ready(value) => return value,
                Poll::Pending => std::thread::park(),
            }
        }
    }
    let server = StandIn::start(Api::Both, "");
    let client = client(&server).to_async();
    assert_eq!(wait(client.ensure_folder("f", "Jobs")).unwrap(), Change::Created);
    assert_eq!(wait(client.dry_run(true).ensure_dashboard(&dashboard("Jobs"), &in_folder())).unwrap(), Change::Created);
    assert_eq!(wait(client.dashboard("jobs")).unwrap(), None);
    {
        let (dashboard, options) = (dashboard("Jobs"), in_folder());
        let mut dropped = pin!(client.ensure_dashboard(&dashboard, &options));
        assert!(dropped.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    drop(server.wait("the dashboard", |world| world.dashboards.contains_key("jobs")));
    fn is_send<T: Send>(_: &T) {}
    is_send(&client.health());
}
