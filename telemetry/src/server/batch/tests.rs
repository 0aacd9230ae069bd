use super::*;
use crate::server::tests::{empty, long};

fn accepted(header: &str) -> Accepted {
    Accepted::negotiate(Some(header)).unwrap()
}

fn text() -> Document {
    Document::Metrics(crate::export::Format::TEXT)
}

fn wait<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn batches(
    take: impl Fn() -> Snapshot + Send + Sync + 'static,
    cut: impl Fn(u64) + Send + Sync + 'static,
) -> Arc<Batches> {
    // Not tokio's timer: the runtime above has none.
    Batches::new(take, cut, |time| Box::pin(futures_timer::Delay::new(time)))
}

#[test]
fn equal_answers_of_a_batch_are_the_same_bytes() {
    let batches = batches(|| long(100), |_| {});
    let (reply, answers): (Vec<_>, Vec<_>) = (0..4).map(|_| oneshot::channel()).unzip();
    let wanted = ["identity", "gzip", "gzip", ""];
    let asked = reply.into_iter().zip(wanted).map(|(reply, header)| Asked {
        document: text(),
        accepted: accepted(header),
        reply,
    });
    batches.answer(asked.collect());
    let answers: Vec<_> = answers.into_iter().map(|answer| wait(answer).unwrap()).collect();
    assert_eq!(
        answers.iter().map(|answer| answer.coding).collect::<Vec<_>>(),
        [Coding::Identity, Coding::Gzip, Coding::Gzip, Coding::Identity]
    );
    assert_eq!(answers[1].bytes.as_ptr(), answers[2].bytes.as_ptr());
    assert_eq!(answers[0].bytes.as_ptr(), answers[3].bytes.as_ptr());
    assert_ne!(answers[0].number, answers[1].number);
}

#[test]
fn what_nobody_waits_for_any_more_is_not_made() {
    let batches = batches(empty, |_| {});
    let (reply, answer) = oneshot::channel();
    drop(answer);
    batches.answer(vec![Asked { document: text(), accepted: accepted(""), reply }]);
    assert!(lock(&batches.held).is_empty());
}

#[test]
fn readers_of_old_answers_are_cut_off_when_those_are_too_much_together() {
    let cut = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&cut);
    let batches = batches(empty, move |number| lock(&told).push(number));
    let give = |length: usize| {
        let (reply, answer) = oneshot::channel();
        batches.give(vec![0; length], Coding::Identity, vec![(Coding::Identity, reply)]);
        wait(answer).unwrap()
    };
    let old = give(MAX_HELD / 2);
    let newer = give(MAX_HELD / 2);
    let small = give(1);
    assert_eq!(*lock(&cut), [old.number], "the oldest goes");
    drop(old);
    lock(&cut).clear();
    let large = give(2 * MAX_HELD);
    assert_eq!(*lock(&cut), [newer.number], "the last two stay, however large they are");
    drop((newer, small, large));
    lock(&cut).clear();
    give(1);
    assert_eq!(lock(&cut).len(), 0);
    assert_eq!(lock(&batches.held).len(), 1, "what nobody has is forgotten");
}

#[test]
fn no_thread_is_left_when_all_are_answered() {
    let batches = batches(empty, |_| {});
    for _ in 0..50 {
        assert!(wait(batches.ask(text(), accepted(""))).is_some());
    }
    let start = Instant::now();
    while lock(&batches.state).threads > 0 {
        assert!(start.elapsed() < Duration::from_secs(5));
        std::thread::yield_now();
    }
}

#[test]
fn who_gave_up_is_forgotten_also_while_collectors_hang() {
    let hang = || {
        std::thread::sleep(Duration::from_secs(60));
        empty()
    };
    let batches = batches(hang, |_| {});
    wait(async {
        for _ in 0..1_000 {
            let asked = batches.ask(text(), accepted(""));
            // Has asked, and does not wait.
            assert!(within(Box::pin(std::future::ready(())), pin!(asked)).await.is_none());
        }
    });
    assert!(lock(&batches.state).waiting.len() < 5);
    assert_eq!(lock(&batches.state).threads, 1);
}
