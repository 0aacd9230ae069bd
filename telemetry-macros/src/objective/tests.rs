use super::*;
use syn::parse::Parser;

/// What the words in the parentheses are, or all that is wrong with them.
fn parse(on: On, words: &str) -> Result<Objective, Vec<String>> {
    let mut diagnostics = Diagnostics::new();
    let parser = |input: ParseStream<'_>| {
        let word: Ident = input.parse()?;
        Objective::parse(&word, on, input, &mut diagnostics)
    };
    let parsed = parser.parse_str(&format!("objective{words}"));
    let parsed = diagnostics.given(parsed);
    diagnostics.finish().map_err(|error| error.into_iter().map(|error| error.to_string()).collect::<Vec<_>>())?;
    Ok(parsed.unwrap())
}

fn refusals(on: On, words: &str) -> Vec<String> {
    parse(on, words).expect_err(words)
}

#[test]
fn words_are_taken_in_any_order() {
    let objective =
        parse(On::Function, "(window = \"7d\", at = \"95%\", latency = \"250ms\", success = \"99.9%\")").unwrap();
    assert_eq!((objective.success, objective.latency, objective.at), (Some(0.999), Some(0.25), Some(0.95)));
    assert_eq!((objective.window, objective.of_records), (Some(7), false));
    let objective = parse(On::Job, "(success = \"0.5\", of = \"records\",)").unwrap();
    assert_eq!((objective.success, objective.of_records), (Some(0.5), true));
    assert!(!parse(On::Job, "(success = \"0.5\", of = \"units\")").unwrap().of_records);
}

#[test]
fn every_mistake_is_told_at_once() {
    let all =
        refusals(On::Function, "(success = \"100%\", latency = 250, at = \"most\", window = \"3d\", succes = \"1\")");
    assert_eq!(all.len(), 5, "{all:?}");
    assert!(all[0].contains("less than all"), "{all:?}");
    assert!(all[1].contains("`latency` takes a duration in quotes, such as `latency = \"250ms\"`"), "{all:?}");
    assert!(all[2].contains("`99.9%`"), "{all:?}");
    assert!(all[3].contains("from `7d` to `90d`"), "{all:?}");
    assert!(all[4].contains("did you mean `success`?"), "{all:?}");
}

#[test]
fn what_belongs_together_is_asked_for() {
    assert_eq!(refusals(On::Function, "()"), [On::Function.example()]);
    assert_eq!(refusals(On::Function, " = \"99%\""), [On::Function.example()]);
    assert_eq!(refusals(On::Job, "()"), [On::Job.example()]);
    assert_eq!(refusals(On::Function, "(window = \"30d\")"), [On::Function.example()]);
    let alone = refusals(On::Function, "(success = \"99%\", at = \"99%\")");
    assert!(alone.len() == 1 && alone[0].contains("write `latency = \"250ms\"` beside it"), "{alone:?}");
    let twice = refusals(On::Function, "(success = \"99%\", success = \"98%\")");
    assert!(twice.len() == 1 && twice[0].contains("given twice"), "{twice:?}");
}

#[test]
fn a_job_says_what_to_write_for_its_time() {
    for word in ["latency = \"1s\"", "at = \"99%\""] {
        let refused = refusals(On::Job, &format!("(success = \"99%\", {word})"));
        assert!(refused.len() == 1 && refused[0].contains("`deadline = \"6h\"`"), "{refused:?}");
    }
    assert!(refusals(On::Job, "(success = \"99%\", of = \"days\")")[0].contains("`of = \"units\"`"));
    assert!(refusals(On::Function, "(success = \"99%\", of = \"records\")")[0].contains("has calls"));
}

#[test]
fn windows_are_whole_days() {
    for window in ["30", "1.5d", "4w", "d", "-7d", "30 days", ""] {
        let refused = refusals(On::Function, &format!("(success = \"99%\", window = \"{window}\")"));
        assert!(refused.len() == 1 && refused[0].contains("no number of days"), "{window}: {refused:?}");
    }
    for window in ["6d", "91d", "0d"] {
        let refused = refusals(On::Function, &format!("(success = \"99%\", window = \"{window}\")"));
        assert!(refused.len() == 1 && refused[0].contains("is not kept"), "{window}: {refused:?}");
    }
}
