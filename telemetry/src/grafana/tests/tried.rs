//! Answers that are none, and what is tried again.

use super::*;
use std::time::Instant;

/// What an error is to be.
type Is = fn(&Error) -> bool;

fn answer(code: u16, headers: &'static str, body: &str) -> Fault {
    Fault::Answer(code, headers, body.to_owned())
}

fn once(server: &StandIn) -> Client {
    Client::builder(server.url()).token(TOKEN).retries(0).build().unwrap()
}

#[test]
fn each_refusal_has_its_error_and_grafanas_words() {
    let server = StandIn::start(Api::Both, "");
    let client = once(&server);
    let kinds: [(u16, Is); 10] = [
        (400, |error| matches!(error, Error::Refused(_))),
        (401, |error| matches!(error, Error::Unauthorized(_))),
        (403, |error| matches!(error, Error::Forbidden(_))),
        (404, |error| matches!(error, Error::NotFound(_))),
        (409, |error| matches!(error, Error::Conflict { .. })),
        (412, |error| matches!(error, Error::Conflict { .. })),
        (422, |error| matches!(error, Error::Unprocessable(_))),
        (429, |error| matches!(error, Error::Throttled { after: None, .. })),
        (500, |error| matches!(error, Error::Server(_))),
        (503, |error| matches!(error, Error::Server(_))),
    ];
    for (code, is_it) in kinds {
        server.faults([answer(code, "", &json!({ "message": "Grafana's\n own words", "traceID": "" }).to_string())]);
        let error = client.organization().unwrap_err();
        assert!(is_it(&error), "{code}: {error:?}");
        let refusal = error.refusal().unwrap();
        assert_eq!((refusal.code, &*refusal.message, &*refusal.request), (code, "Grafana's own words", "GET /api/org"));
        assert!(error.to_string().contains("Grafana's own words"), "{error}");
    }
    server.faults([answer(412, "", r#"{"status": "name-exists", "message": "it is there"}"#)]);
    assert!(matches!(client.organization(), Err(Error::Taken(_))));
}

#[test]
fn what_is_not_grafana_is_told_apart() {
    let server = StandIn::start(Api::Both, "");
    let client = once(&server);
    let page = "<html><body>Sign in, glsa_right-token</body></html>";
    let cases: [(Fault, Is); 8] = [
        (answer(200, "Content-Type: text/html\r\n", page), |e| matches!(e, Error::Html { code: 200, .. })),
        (answer(403, "Content-Type: text/html\r\n", page), |e| matches!(e, Error::Html { code: 403, .. })),
        (
            answer(502, "Content-Type: text/html\r\n", page),
            |e| matches!(e, Error::Server(refusal) if refusal.message.contains("Sign in")),
        ),
        (answer(200, "", "[]"), |e| matches!(e, Error::NotGrafana { .. })),
        (answer(200, "", "fine"), |e| matches!(e, Error::NotGrafana { .. })),
        (answer(200, "", r#"{"database": "o"#), |e| matches!(e, Error::Truncated { .. })),
        (answer(200, "", ""), |e| matches!(e, Error::Truncated { .. })),
        (Fault::Truncated, |e| matches!(e, Error::Truncated { .. })),
    ];
    for (fault, is_it) in cases {
        server.faults([fault.clone()]);
        let error = client.health().unwrap_err();
        assert!(is_it(&error), "{fault:?}: {error:?}");
        assert!(!format!("{error} {error:?}").contains(TOKEN), "{error}");
    }
}

#[test]
fn a_redirect_is_not_followed() {
    let server = StandIn::start(Api::Both, "");
    let elsewhere = StandIn::start(Api::Both, "");
    for code in [301, 302, 307, 308] {
        let location = format!("Location: {}/api/health?token=x\r\n", elsewhere.url());
        server.faults([Fault::Answer(code, Box::leak(location.into_boxed_str()), String::new())]);
        let error = client(&server).health().unwrap_err();
        assert!(
            matches!(&error, Error::Redirected { to, .. } if to.starts_with(&elsewhere.url()) && !to.contains("token")),
            "{error:?}"
        );
    }
    assert!(elsewhere.world().asked.is_empty());
}

#[test]
fn what_can_be_repeated_is_and_what_cannot_is_not() {
    let server = StandIn::start(Api::Both, "");
    let client = client(&server);
    let bad = || answer(503, "", r#"{"message": "starting"}"#);
    server.faults([bad(), Fault::Truncated]);
    assert_eq!(client.health().unwrap().database, "ok");
    server.faults([bad(), bad(), bad(), bad()]);
    assert!(matches!(client.health(), Err(Error::Server(_))));
    assert_eq!(server.world().asked.len(), 6, "three attempts each");
    server.world().faults.clear();
    // What makes something new is sent once.
    server.faults([bad()]);
    assert!(matches!(client.create_annotation(&Annotation::new("a")), Err(Error::Server(_))));
    assert!(server.world().annotations.is_empty());
    let number = client.create_annotation(&Annotation::new("a")).unwrap();
    server.faults([bad()]);
    client.patch_annotation(number, &AnnotationPatch { text: Some("b".into()), ..AnnotationPatch::default() }).unwrap();
    assert_eq!(server.world().annotations[0]["text"], "b");
    // A save that names its version may be repeated.
    let saved = client.save_dashboard(&dashboard("A"), &SaveOptions::default()).unwrap();
    server.faults([bad()]);
    client.save_dashboard(&dashboard("B"), &SaveOptions { replaces: saved.version, ..SaveOptions::default() }).unwrap();
    // One that was refused for good is not repeated.
    let before = server.world().asked.len();
    server.faults([answer(403, "", "{}")]);
    assert!(matches!(client.health(), Err(Error::Forbidden(_))));
    assert_eq!(server.world().asked.len(), before + 1);
}

#[test]
fn a_wait_that_the_server_asks_for_is_kept_up_to_a_bound() {
    let server = StandIn::start(Api::Both, "");
    let client = client(&server);
    server.faults([answer(429, "Retry-After: 1\r\n", "{}")]);
    let start = Instant::now();
    client.health().unwrap();
    assert!(start.elapsed() >= Duration::from_secs(1));
    for code in [429, 503] {
        server.faults([answer(code, "Retry-After: 3600\r\n", r#"{"message": "later"}"#)]);
        let error = client.health().unwrap_err();
        let Error::Throttled { after, refusal } = &error else { panic!("{error:?}") };
        assert_eq!((*after, &*refusal.message), (Some(Duration::from_secs(3_600)), "later"));
    }
    assert_eq!(server.world().asked.len(), 4, "not asked again");
}

#[test]
fn a_server_that_hangs_or_is_not_there_is_given_up() {
    let server = StandIn::start(Api::Both, "");
    let client =
        Client::builder(server.url()).token(TOKEN).timeout(Duration::from_millis(100)).retries(1).build().unwrap();
    server.faults([Fault::Hangs, Fault::Hangs]);
    let error = client.health().unwrap_err();
    assert_eq!(error, Error::TimedOut { request: "GET /api/health".into(), timeout: Duration::from_millis(100) });
    let once = Client::builder(server.url()).timeout(Duration::from_millis(100)).retries(0).build().unwrap();
    server.faults([Fault::Stalls]);
    assert_eq!(once.health().unwrap_err(), error, "the time is that of the whole answer");
    let url = server.url();
    drop(server);
    let gone = Client::builder(url.replace("//", "//u:secret@")).retries(0).build().unwrap();
    let error = gone.health().unwrap_err();
    assert!(matches!(&error, Error::Unreachable { url: shown, .. } if *shown == url), "{error:?}");
}
