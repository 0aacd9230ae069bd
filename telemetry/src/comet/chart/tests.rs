//! The pictures of `docs/comet.md`: drawn, and compared with what is there.
//!
//! `UPDATE_DOCS=1 cargo test -p telemetry --no-default-features --features comet --lib chart` draws them anew.

use super::*;
use std::path::Path;

/// A generator of numbers that are always the same: <https://www.pcg-random.org>, the 32 bits of PCG-XSH-RR.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> f64 {
        let old = self.0;
        self.0 = old.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let shifted = (((old >> 18) ^ old) >> 27) as u32;
        f64::from(shifted.rotate_right((old >> 59) as u32)) / f64::from(u32::MAX)
    }
}

/// Probabilities of being late, and whether it was: the higher, the more often.
fn scored(count: usize) -> Vec<(f64, bool)> {
    let mut numbers = Numbers(7);
    let mut one = || (numbers.next() * numbers.next()).sqrt();
    let all: Vec<f64> = (0..count).map(|_| one() * one()).collect();
    let mut chance = Numbers(11);
    all.into_iter().map(|probability| (probability, chance.next() < 0.1 + 0.8 * probability)).collect()
}

fn pictures() -> Vec<(&'static str, Figure)> {
    let scored = scored(20_000);
    let mut matrix = ConfusionMatrix::new(["on time", "late", "cancelled"]).title("Foretold and true");
    for (actual, predicted, count) in [
        ("on time", "on time", 221_004),
        ("on time", "late", 31_211),
        ("on time", "cancelled", 176),
        ("late", "on time", 38_120),
        ("late", "late", 36_601),
        ("late", "cancelled", 234),
        ("cancelled", "on time", 4_102),
        ("cancelled", "late", 3_380),
        ("cancelled", "cancelled", 773),
    ] {
        matrix.record_many(actual, predicted, count).unwrap();
    }
    let mut breakdown = Breakdown::new("status");
    for (probability, is_late) in &scored {
        if *is_late {
            breakdown.add_scored("late", *probability)
        } else {
            breakdown.add_scored("on time", 1.0 - probability)
        }
    }
    let carriers = [
        "United Air Lines",
        "JetBlue Airways",
        "ExpressJet Airlines",
        "Delta Air Lines",
        "American Airlines",
        "Envoy Air",
        "US Airways",
        "Endeavor Air",
        "Southwest Airlines",
        "Virgin America",
    ];
    let flights = [58_665, 54_635, 54_173, 48_110, 32_729, 26_397, 20_536, 18_460, 12_275, 5_162];
    vec![
        (
            "label-frequency",
            Figure::label_frequency(
                "What became of the flights",
                [("on time", 252_391), ("late", 74_955), ("diverted", 1_175), ("cancelled", 8_255)],
            ),
        ),
        ("label-frequency-many", Figure::label_frequency("Flights by carrier", carriers.into_iter().zip(flights))),
        (
            "probabilities",
            Figure::probabilities("Probability of being late", scored.iter().map(|(probability, _)| *probability), 20),
        ),
        ("probabilities-by-label", breakdown.probability_figure()),
        ("confusion-matrix", matrix.figure()),
        (
            "roc",
            Figure::curves(
                "Late or not",
                "false positive rate",
                "true positive rate",
                &[
                    Curve::roc("by carrier and hour", scored.iter().copied()).unwrap(),
                    Curve::new("chance", [(0.0, 0.0), (1.0, 1.0)]).unwrap(),
                ],
            ),
        ),
        (
            "precision-recall",
            Figure::curves(
                "Late or not",
                "recall",
                "precision",
                &[Curve::precision_recall("by carrier and hour", scored.iter().copied()).unwrap()],
            ),
        ),
    ]
}

#[test]
fn the_pictures_of_the_page_are_those_that_are_drawn() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/comet");
    let updates = std::env::var_os("UPDATE_DOCS").is_some();
    for (name, figure) in pictures() {
        let (svg, png) = (figure.svg().unwrap(), figure.png().unwrap());
        let path = folder.join(format!("{name}.svg"));
        if updates {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(&path, &svg).unwrap();
            if let Some(folder) = std::env::var_os("CHARTS_AS_PNG") {
                std::fs::write(Path::new(&folder).join(format!("{name}.png")), &png).unwrap();
            }
        }
        assert!(
            std::fs::read_to_string(&path).unwrap() == svg,
            "{} is not what is drawn; UPDATE_DOCS=1 draws it",
            path.display()
        );
        assert!(shown_colours(&png) > 4, "{name} is blank");
    }
}

/// How many colours a picture has.
fn shown_colours(png: &[u8]) -> usize {
    let mut reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let frame = reader.next_frame(&mut pixels).unwrap();
    assert_eq!(frame.color_type, png::ColorType::Rgb);
    pixels.chunks_exact(3).collect::<std::collections::HashSet<_>>().len()
}

#[test]
fn hostile_data_is_drawn_too() {
    let hostile = "<script>&\"'\n\t\u{0}𝔘 ".repeat(30);
    let empty: [(&str, u64); 0] = [];
    let figures = [
        Figure::label_frequency(hostile.clone(), [(hostile.clone(), u64::MAX), ("a".to_owned(), 0)]),
        Figure::label_frequency("empty", empty),
        Figure::label_frequency("zero", [("a", 0)]),
        Figure::label_frequency("many", (0..1_000).map(|number| (format!("label {number}"), number))),
        Figure::probabilities("outside", [f64::NAN, 2.0, -1.0], 10),
        Figure::probabilities("none", [], 0),
        Figure::probabilities("many bins", (0..1_000).map(|number| f64::from(number) / 1_000.0), usize::MAX),
        Figure::histogram("one value", [5.0; 3], 5.0, 5.0, 10),
        Figure::histogram("no bounds", [5.0], f64::NAN, f64::INFINITY, 10),
        Figure::curves("flat", "x", "y", &[Curve::new("a", [(1.0, 7.0)]).unwrap()]),
        Figure::curves("large", "x", "y", &[Curve::new("a", [(-1e300, 1e300), (1e300, -1e300)]).unwrap()]),
        Figure::curves("none", "", "", &[]),
        ConfusionMatrix::new((0..25).map(|number| format!("{hostile}{number}"))).figure(),
        ConfusionMatrix::new(Vec::<String>::new()).figure(),
        Breakdown::new("none").probability_figure(),
        Breakdown::new("none").figure().size(0, u32::MAX),
    ];
    for figure in figures {
        let svg = figure.svg().unwrap();
        let shown: String = svg.chars().take(400).collect();
        assert!(!svg.contains("<script") && !svg.contains('\u{0}'), "{shown}");
        // What is between tags has no sign of its own.
        assert!(svg.split('>').all(|piece| piece.matches('<').count() <= 1), "{shown}");
        figure.png().unwrap();
    }
}

#[test]
fn many_labels_are_joined_and_none_is_lost() {
    let svg =
        Figure::label_frequency("many", (0..1_000u64).map(|number| (format!("label {number}"), number))).svg().unwrap();
    assert!(svg.contains("961 other labels"), "{svg}");
    assert!(svg.contains("461,280"), "the sum of 0 to 960");
}
