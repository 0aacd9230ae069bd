//! The estimator over made-up visits, with a made-up clock and a seeded generator: no test waits.

use super::*;

/// Readings that cost 840 ns and 6 µs a visit, in ticks of a nanosecond.
const COSTS: [u64; PROBES] = [840, 6_000];

/// What visits take, over and over again.
struct Visits {
    name: &'static str,
    ticks: Vec<u64>,
    /// Sums of the first so many.
    sums: Vec<u64>,
}

impl Visits {
    fn new(name: &'static str, ticks: Vec<u64>) -> Visits {
        let sums = std::iter::once(0).chain(ticks.iter().scan(0, |sum, ticks| {
            *sum += ticks;
            Some(*sum)
        }));
        Visits { name, sums: sums.collect(), ticks }
    }

    /// What the first `visits` take together.
    fn sum(&self, visits: u64) -> u64 {
        let length = self.ticks.len() as u64;
        let whole = self.sums[self.ticks.len()] * (visits / length);
        whole + self.sums[usize::try_from(visits % length).unwrap()]
    }

    fn at(&self, visit: u64) -> u64 {
        self.ticks[usize::try_from(visit % self.ticks.len() as u64).unwrap()]
    }
}

/// What came out of a run.
struct Run {
    estimate: f64,
    truth: f64,
    variance: f64,
    /// Of self busy time.
    spent: f64,
    plan: Plan,
}

/// Runs visits until they took `nanoseconds`, and reads those whose turn it is.
fn run(visits: &Visits, probe: Probe, nanoseconds: u64, random: &Generator) -> Run {
    let plan = Plan::default();
    let (mut visit, mut estimate, mut variance) = (0u64, 0u64, 0.0);
    while visits.sum(visit) < nanoseconds {
        let decision = plan.decide(visits.sum(visit), 1, COSTS, 0, random);
        for (due, cost) in decision.due.iter().zip(COSTS).filter(|(due, _)| due.is_some()) {
            assert!(due.unwrap() <= Probe::Io.highest());
            let probe = if cost == COSTS[0] { Probe::Cpu } else { Probe::Io };
            plan.spend(probe, cost, cost);
        }
        if let Some(k) = decision.due[probe as usize] {
            let x = visits.at(visit);
            estimate += x << k;
            variance += (x as f64).powi(2) * ((1u64 << k) - 1) as f64 * (1u64 << k) as f64;
        }
        visit += u64::from(decision.countdown);
    }
    let truth = visits.sum(visit);
    let spent = plan.spent[probe as usize].load(Relaxed) as f64 / truth as f64;
    Run { estimate: estimate as f64, truth: truth as f64, variance, spent, plan }
}

fn constant(ticks: u64) -> Visits {
    Visits::new("equal", vec![ticks])
}

/// Shapes of one mean: equal, alternating, of long and short periods, and with a coefficient of variation of 3.
fn shapes(mean: u64) -> Vec<Visits> {
    let random = Generator::new(7);
    let periodic =
        |period: usize| (0..period).map(|n| if n == 0 { mean * period as u64 / 2 } else { mean / 2 }).collect();
    // One in ten takes 8.2 + ... of the mean: two values with c = 3 have the larger one at m (1 + 3 √((1 - q) / q)) for a share q.
    let two_values = |q: f64| {
        let (large, small) = (1.0 + 3.0 * ((1.0 - q) / q).sqrt(), 1.0 - 3.0 * (q / (1.0 - q)).sqrt());
        (0..10_007).map(|_| (mean as f64 * if random.uniform() < q { large } else { small }) as u64).collect()
    };
    // Lognormal with c = 3: σ² = ln 10.
    let lognormal = |_| {
        let sigma = 10f64.ln().sqrt();
        let normal = (-2.0 * random.uniform().ln()).sqrt() * (std::f64::consts::TAU * random.uniform()).cos();
        (mean as f64 * (sigma * normal - sigma * sigma / 2.0).exp()) as u64
    };
    vec![
        Visits::new("equal", vec![mean]),
        Visits::new("alternating", vec![mean / 10, mean * 19 / 10]),
        Visits::new("every 16th is long", periodic(16)),
        Visits::new(
            "every 256th is long",
            periodic(256).into_iter().map(|ticks: u64| ticks / 8 + mean * 7 / 8).collect(),
        ),
        Visits::new("two values, c = 3", two_values(0.05)),
        Visits::new("lognormal, c = 3", (0..100_003).map(lognormal).collect()),
    ]
}

const SECOND: u64 = 1_000_000_000;

/// Twenty runs of ten seconds: how they agree with the truth is what is asked of the estimator.
fn twenty_runs(visits: &Visits, mean: u64) {
    let random = Generator::new(mean);
    let ratios = (0..20).map(|_| run(visits, Probe::Cpu, 10 * SECOND, &random)).map(|run| run.estimate / run.truth);
    let ratios: Vec<f64> = ratios.collect();
    let mean_ratio = ratios.iter().sum::<f64>() / 20.0;
    let far = ratios.iter().filter(|ratio| (*ratio - 1.0).abs() > 0.05).count();
    assert!((mean_ratio - 1.0).abs() < 0.02, "{} of {mean} ns: {mean_ratio}", visits.name);
    assert!(far <= 1, "{} of {mean} ns: {far} of 20 are off by more than 5 %: {ratios:?}", visits.name);
}

#[test]
fn twenty_runs_of_ten_seconds_agree_with_the_truth() {
    // The budget is the default: nothing here sets it. The shape that is hardest, of the shortest functions; the others are below.
    twenty_runs(&shapes(10_000)[5], 10_000);
}

#[test]
#[ignore = "takes a minute where nothing is optimised; ci/long/budget runs it"]
fn twenty_runs_of_each_shape_agree_with_the_truth() {
    for mean in [10_000, 30_000, 100_000, 1_000_000, 10_000_000] {
        for visits in shapes(mean) {
            twenty_runs(&visits, mean);
        }
    }
}

#[test]
fn short_functions_and_io_are_estimated_without_bias_and_say_how_far_off_they_may_be() {
    for (mean, probe) in [(1_000, Probe::Cpu), (10_000, Probe::Io)] {
        for visits in shapes(mean) {
            let random = Generator::new(mean);
            let runs: Vec<Run> = (0..40).map(|_| run(&visits, probe, 200_000 * mean, &random)).collect();
            let mean_ratio = runs.iter().map(|run| run.estimate / run.truth).sum::<f64>() / 40.0;
            let errors = runs.iter().map(|run| (run.estimate - run.truth).powi(2)).sum::<f64>() / 40.0;
            let told = runs.iter().map(|run| run.variance).sum::<f64>() / 40.0;
            let standard_error = (told / 40.0).sqrt() / runs[0].truth;
            // Four standard errors of the mean of 40.
            assert!(
                (mean_ratio - 1.0).abs() < 4.0 * standard_error,
                "{} of {mean} ns: {mean_ratio} ± {standard_error}",
                visits.name
            );
            let ratio = (errors / told).sqrt();
            assert!(
                (0.6..1.6).contains(&ratio),
                "{} of {mean} ns: the standard error is {ratio} times what is told",
                visits.name
            );
        }
    }
}

#[test]
fn what_is_spent_stays_within_the_probe_s_part_of_the_budget() {
    for mean in [100, 1_000, 10_000, 100_000, 10_000_000] {
        for visits in shapes(mean) {
            for probe in Probe::ALL {
                let run = run(&visits, probe, (300_000 * mean).clamp(SECOND, 10 * SECOND), &Generator::new(1));
                let allowed = DEFAULT_SHARE * probe.part();
                // The first readings come before anything is known.
                assert!(run.spent < allowed * 1.1, "{} of {mean} ns: {probe:?} spends {}", visits.name, run.spent);
                if run.plan.ratio(probe) < 0.9 {
                    assert!(run.spent > allowed * 0.6, "{} of {mean} ns: {probe:?} spends {}", visits.name, run.spent);
                }
            }
        }
    }
}

#[test]
fn a_dear_function_is_read_at_every_visit_and_a_cheap_one_as_seldom_as_may_be() {
    let dear = run(&constant(10_000_000), Probe::Cpu, 10 * SECOND, &Generator::new(1));
    assert_eq!((dear.plan.ratio(Probe::Cpu), dear.estimate), (1.0, dear.truth));
    let cheap = run(&constant(5), Probe::Cpu, SECOND / 20, &Generator::new(1));
    let ratio = cheap.plan.ratio(Probe::Cpu) * 4_096.0;
    assert!((0.95..1.05).contains(&ratio), "{ratio} times 2^-12");
}

#[test]
fn k_follows_a_program_into_its_next_phase() {
    let (plan, random) = (Plan::default(), Generator::new(3));
    let mut own = 0;
    let mut phase = |ticks: u64, visits: u32| {
        let (mut passed, mut due) = (0, 0);
        while passed < visits {
            let decision = plan.decide(own, 1, COSTS, 0, &random);
            due += u32::from(decision.due[0].is_some());
            if decision.due[0].is_some() {
                plan.spend(Probe::Cpu, COSTS[0], COSTS[0]);
            }
            passed += decision.countdown;
            own += u64::from(decision.countdown) * ticks;
        }
        due
    };
    phase(100, 1_000_000);
    phase(10_000_000, 600);
    assert!(phase(10_000_000, 1_000) >= 999, "600 long visits later all are read");
    phase(100, 20_000);
    let due = phase(100, 1_000_000);
    assert!(due < 2_500, "20,000 short visits later one in 2,048 or 1,024 is read, not {due} in a million");
}

#[test]
fn the_first_of_many_coins_is_geometrically_distributed() {
    let random = Generator::new(42);
    for k in [1, 2, 3, 6, 12, 16u32] {
        let p = 0.5f64.powi(k as i32);
        let draws = 100_000;
        let mut counts = vec![0u32; HORIZON as usize + 1];
        let mut beyond = 0;
        for _ in 0..draws {
            match geometric(k, &random) {
                u32::MAX => beyond += 1,
                turn => counts[turn as usize] += 1,
            }
        }
        let within = |count: u32, expected: f64, what: &str| {
            let deviation = (f64::from(count) - expected) / expected.max(1.0).sqrt();
            assert!(deviation.abs() < 5.0, "k = {k}, {what}: {count} for {expected}");
        };
        assert_eq!(counts[0], 0);
        for turn in [1i32, 2, 3, 7, 100, 255, 256] {
            let expected = f64::from(draws) * (1.0 - p).powi(turn - 1) * p;
            within(counts[usize::try_from(turn).unwrap()], expected, &format!("turn {turn}"));
        }
        within(beyond, f64::from(draws) * (1.0 - p).powi(256), "beyond");
    }
    assert_eq!(geometric(0, &random), 1);
}

#[test]
fn the_tables_hold_what_they_say() {
    for k in 1..EXPONENTS {
        let p = 0.5f64.powi(i32::try_from(k).unwrap());
        assert!((LN_TAILS[k] / (-p).ln_1p() - 1.0).abs() < 1e-15, "{k}");
        assert!((BEYOND_HORIZON[k] / (256.0 * (-p).ln_1p()).exp() - 1.0).abs() < 1e-12, "{k}");
    }
    assert!(Probe::ALL.into_iter().all(|probe| (probe.highest() as usize) < EXPONENTS && probe.highest() < DUE));
}

#[test]
fn the_first_visit_is_read_by_every_probe() {
    let decision = Plan::default().decide(0, 1, COSTS, 0, &Generator::new(9));
    assert_eq!(decision.due, [Some(0), Some(0)]);
}

#[test]
fn the_first_visit_of_a_thread_is_read_as_often_as_what_other_threads_saw_allows() {
    let random = Generator::new(9);
    // 100 times what a reading costs: one in two, or one, of the visits at half of 1 %.
    let read = |elsewhere: u64| {
        let first = |_| Plan::default().decide(0, 1, COSTS, elsewhere, &random).due[0];
        let due: Vec<_> = (0..10_000).filter_map(first).collect();
        assert!(due.windows(2).all(|pair| pair[0] == pair[1]), "one k for all");
        due.iter().map(|k| f64::from(1 << k)).sum::<f64>() / 10_000.0
    };
    // Each that is read counts 2^k times, so that the mean is one.
    for elsewhere in [COSTS[0] / 4, COSTS[0] * 10, COSTS[0] * 1_000] {
        let mean = read(elsewhere);
        assert!((mean - 1.0).abs() < 0.5, "{mean} at {elsewhere}");
    }
    let short = (0..1_000).filter(|_| Plan::default().decide(0, 1, COSTS, COSTS[0] / 4, &random).due[0].is_some());
    assert!(short.count() < 10, "a thread of short calls pays for reading them");
}

#[test]
fn a_clock_that_stands_still_is_no_trouble() {
    let (plan, random) = (Plan::default(), Generator::new(5));
    for _ in 0..10_000 {
        let decision = plan.decide(0, 1, [0, u64::MAX], 0, &random);
        assert!((1..=HORIZON).contains(&decision.countdown));
    }
}

#[test]
fn a_reading_that_was_interrupted_is_not_booked_whole() {
    let plan = Plan::default();
    assert_eq!(plan.spend(Probe::Cpu, 4_000_000, 840), INTERRUPTED * 840);
    assert_eq!(plan.spend(Probe::Cpu, 900, 840), 900);
}
