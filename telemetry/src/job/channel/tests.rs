use crate::job::Job;
use crate::job::run::Run;
use crate::testing::value;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

fn job(name: &str) -> Job {
    Job::of(Run::new(0, name, "days", None, None))
}

fn blocked(job: &Job, side: &str) -> f64 {
    // As a snapshot does: who is blocked is counted while that lasts.
    let _ = job.queue("write").len();
    let labels = [("job_name", job.name()), ("queue", "write"), ("side", side)];
    value("backfill_queue_blocked_seconds_total", &labels).unwrap()
}

/// Waits until somebody was blocked on that side for a moment.
fn until_blocked(job: &Job, side: &str) {
    let start = Instant::now();
    while blocked(job, side) < 0.005 {
        assert!(start.elapsed() < Duration::from_secs(30), "nobody is blocked");
        thread::yield_now();
    }
}

/// What holds of each kind of blocking channel.
macro_rules! blocking_channel {
    ($kind:ident, $make:ident, $errors:path) => {
        mod $kind {
            use super::*;
            use $errors as errors;

            #[test]
            fn what_goes_in_first_comes_out_first_and_is_counted_on_the_way() {
                let job = job(concat!(stringify!($kind), "_order"));
                let queue = job.queue("write");
                let (sender, receiver) = queue.$make(3);
                for value in 1..=3 {
                    sender.send(value).unwrap();
                }
                assert_eq!((queue.len(), job.run.queue("write").read(Instant::now()).capacity), (3, Some(3)));
                assert_eq!(sender.try_send(4), Err(errors::TrySendError::Full(4)));
                thread::sleep(Duration::from_millis(2));
                assert!(queue.oldest_age() >= Duration::from_millis(2));
                assert_eq!((receiver.recv(), receiver.try_recv(), queue.len()), (Ok(1), Ok(2), 1));
                drop(sender);
                assert_eq!(receiver.iter().collect::<Vec<_>>(), [3]);
                assert_eq!(receiver.try_recv(), Err(errors::TryRecvError::Disconnected));
                assert_eq!(receiver.recv(), Err(errors::RecvError));
                assert_eq!((queue.len(), queue.oldest_age()), (0, Duration::ZERO));
                assert_eq!((blocked(&job, "send"), blocked(&job, "receive")), (0.0, 0.0));
            }

            #[test]
            fn who_is_blocked_is_counted_while_it_lasts() {
                let job = job(concat!(stringify!($kind), "_blocked"));
                let (sender, receiver) = job.queue("write").$make(1);
                let receiver = thread::scope(|scope| {
                    let sends = scope.spawn(|| {
                        sender.send(1).unwrap();
                        sender.send(2).unwrap();
                    });
                    until_blocked(&job, "send");
                    assert!(!sends.is_finished());
                    assert_eq!((receiver.recv(), receiver.recv()), (Ok(1), Ok(2)));
                    sends.join().unwrap();
                    let receives = scope.spawn(move || (receiver.recv(), receiver));
                    until_blocked(&job, "receive");
                    let sent = blocked(&job, "send");
                    sender.send(3).unwrap();
                    let (received, receiver) = receives.join().unwrap();
                    assert_eq!((received, blocked(&job, "send")), (Ok(3), sent), "nobody was, since");
                    receiver
                });
                let before = blocked(&job, "receive");
                let nothing = receiver.recv_timeout(Duration::from_millis(20));
                assert_eq!(nothing, Err(errors::RecvTimeoutError::Timeout));
                assert!(blocked(&job, "receive") - before >= 0.02);
            }

            #[test]
            fn what_nobody_will_take_is_gone() {
                let job = job(concat!(stringify!($kind), "_gone"));
                let queue = job.queue("write");
                let (sender, receiver) = queue.$make(3);
                sender.send(1).unwrap();
                drop(receiver);
                assert_eq!(queue.len(), 0);
                assert_eq!(sender.send(2), Err(errors::SendError(2)));
                assert_eq!(sender.try_send(3), Err(errors::TrySendError::Disconnected(3)));
                assert_eq!(queue.len(), 0);
            }

            #[test]
            fn a_channel_without_room_hands_over() {
                let job = job(concat!(stringify!($kind), "_handed"));
                let (sender, receiver) = job.queue("write").$make(0);
                let done = AtomicBool::new(false);
                thread::scope(|scope| {
                    scope.spawn(|| {
                        sender.send(7).unwrap();
                        done.store(true, SeqCst);
                    });
                    until_blocked(&job, "send");
                    assert!(!done.load(SeqCst));
                    assert_eq!(receiver.recv(), Ok(7));
                });
                assert_eq!(job.queue("write").len(), 0);
            }

            #[test]
            fn nothing_is_lost_or_doubled_between_many_threads() {
                let job = job(concat!(stringify!($kind), "_many"));
                let (sender, receiver) = job.queue("write").$make(5);
                let sum: u64 = thread::scope(|scope| {
                    for part in 0..4 {
                        let sender = sender.clone();
                        scope.spawn(move || (0..5_000).for_each(|value| sender.send(part * 5_000 + value).unwrap()));
                    }
                    drop(sender);
                    (&receiver).into_iter().inspect(|_| assert!(job.queue("write").len() <= 5 + 4 + 1)).sum()
                });
                assert_eq!(sum, (0..20_000).sum::<u64>());
                assert_eq!(job.queue("write").len(), 0);
            }
        }
    };
}

blocking_channel!(sync, sync_channel, std::sync::mpsc);
#[cfg(feature = "crossbeam")]
blocking_channel!(crossbeam, crossbeam_channel, crossbeam_channel);

#[test]
fn channels_of_one_name_are_one_queue_and_those_of_the_past_are_none() {
    let job = job("several_channels");
    let queue = job.queue("write");
    let (first, _first) = queue.sync_channel(2);
    let (second, ends) = queue.sync_channel(3);
    first.send(1).unwrap();
    second.send(1).unwrap();
    queue.pushed(1);
    let reading = job.run.queue("write").read(Instant::now());
    assert_eq!((reading.len, reading.capacity), (3, Some(5)));
    drop((second, ends));
    let reading = job.run.queue("write").read(Instant::now());
    assert_eq!((reading.len, reading.capacity), (2, Some(2)));
}

#[test]
fn a_queue_without_a_channel_says_nothing_of_who_is_blocked() {
    let job = job("told_queue");
    job.queue("write").capacity(7).pushed(3);
    let labels = [("job_name", "told_queue"), ("queue", "write"), ("side", "send")];
    assert_eq!(value("backfill_queue_blocked_seconds_total", &labels), None);
}

#[cfg(feature = "tokio")]
mod tokio {
    use super::*;
    use ::tokio::sync::mpsc::error::{SendError, TryRecvError, TrySendError};
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    fn once<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
        future.poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn a_dropped_send_leaves_nothing_and_those_who_wait_keep_their_order() {
        let job = job("tokio_cancelled");
        let queue = job.queue("write");
        let (sender, mut receiver) = queue.tokio_channel(1);
        sender.try_send(1).unwrap();
        let mut second = Box::pin(sender.send(2));
        let mut third = pin!(sender.send(3));
        assert!(once(second.as_mut()).is_pending() && once(third.as_mut()).is_pending());
        until_blocked(&job, "send");
        assert_eq!(queue.len(), 1);
        drop(second);
        assert_eq!(receiver.try_recv(), Ok(1));
        // The room is for the third, who waited, and not for who comes now.
        assert_eq!(sender.try_send(4), Err(TrySendError::Full(4)));
        assert_eq!(once(third.as_mut()), Poll::Ready(Ok(())));
        let sent = blocked(&job, "send");
        assert_eq!((queue.len(), receiver.try_recv()), (1, Ok(3)));
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
        assert_eq!(blocked(&job, "send"), sent, "nobody waits any more");
    }

    #[test]
    fn a_dropped_receive_takes_nothing() {
        let job = job("tokio_receive");
        let (sender, mut receiver) = job.queue("write").tokio_channel(2);
        {
            let mut receives = pin!(receiver.recv());
            assert!(once(receives.as_mut()).is_pending());
            until_blocked(&job, "receive");
        }
        let received = blocked(&job, "receive");
        sender.try_send(1).unwrap();
        assert_eq!(once(pin!(receiver.recv())), Poll::Ready(Some(1)));
        assert_eq!(blocked(&job, "receive"), received);
        assert_eq!(job.queue("write").len(), 0);
    }

    #[test]
    fn room_that_is_kept_is_no_record_yet() {
        let job = job("tokio_reserved");
        let queue = job.queue("write");
        let (sender, mut receiver) = queue.tokio_channel(1);
        let permit = sender.try_reserve().unwrap();
        assert_eq!((queue.len(), sender.capacity(), sender.try_send(9)), (0, 0, Err(TrySendError::Full(9))));
        permit.send(1);
        assert_eq!(queue.len(), 1);
        let mut buffer = Vec::new();
        assert_eq!(once(pin!(receiver.recv_many(&mut buffer, 5))), Poll::Ready(1));
        assert_eq!((buffer, queue.len()), (vec![1], 0));
        drop(sender.try_reserve().unwrap());
        assert_eq!((queue.len(), sender.capacity()), (0, 1));
    }

    #[test]
    fn a_closed_channel_gives_what_it_has_and_takes_nothing() {
        let job = job("tokio_closed");
        let queue = job.queue("write");
        let (sender, mut receiver) = queue.tokio_channel(4);
        sender.try_send(1).unwrap();
        receiver.close();
        assert_eq!(once(pin!(sender.send(2))), Poll::Ready(Err(SendError(2))));
        assert_eq!(sender.try_send(3), Err(TrySendError::Closed(3)));
        assert_eq!(queue.len(), 1);
        assert_eq!(once(pin!(receiver.recv())), Poll::Ready(Some(1)));
        assert_eq!(once(pin!(receiver.recv())), Poll::Ready(None));
        assert_eq!(queue.len(), 0);
        let weak = sender.downgrade();
        assert!(weak.upgrade().is_some_and(|again| again.same_channel(&sender)));
        drop(sender);
        assert!(weak.upgrade().is_none());
    }

    #[test]
    fn threads_outside_of_a_runtime_block_and_are_counted() {
        let job = job("tokio_blocking");
        let (sender, mut receiver) = job.queue("write").tokio_channel(1);
        let sum: u64 = thread::scope(|scope| {
            scope.spawn(move || (0..2).for_each(|value| sender.blocking_send(value).unwrap()));
            until_blocked(&job, "send");
            std::iter::from_fn(|| receiver.blocking_recv()).sum()
        });
        assert_eq!((sum, job.queue("write").len()), (1, 0));
    }
}
