use super::draw::{Look, draw};
use super::live::Live;
use super::rates::Readings;
use super::screen::{Next, Screen};
use super::{frame, lines};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::style::{Color, Modifier};
use ratatui::termion::event::Key;

/// A program with something of everything, `second` seconds after it was first read.
fn live(second: u32) -> Live {
    let n = f64::from(second);
    let functions = format!(
        r#"{{"function":["load","parse","render"],"module":["flights::store","flights::store::input","web"],
        "calls":[{},{},7],"errors":[{},0,0],"panics":[0,0,0],"running":[1,0,0],"oldest":[2.5,0,0],
        "busy":[{},{},0.5],"self":[{},{},0.5],"cpu":[{},null,0.1],"p50":[0.001,0.002,0.1],"p95":[0.001,0.002,0.1],"p99":[0.003,0.002,0.2],
        "allocated":[{},0,0],"buckets":[[-40,{}],[-30,0,{}],null]}}"#,
        100.0 + 50.0 * n,
        1_000.0 + 200.0 * n,
        n,
        10.0 + 2.5 * n,
        3.0 + 0.25 * n,
        7.0 + 0.5 * n,
        3.0 + 0.25 * n,
        5.0 + 1.25 * n,
        4_096.0 * n,
        100 + 50 * second,
        1_000 + 200 * second,
    );
    let jobs = r#"[{"name":"nightly","unit":"days","elapsed_seconds":60,"total":3,"units":{"processed":3,"failed":0,"skipped":0,"dead_lettered":0},
        "progress":1,"overall_rate":0.05,"stalled":false,"result":"ok"},
        {"name":"flights","unit":"days","elapsed_seconds":30,"total":40,"units":{"processed":9,"failed":1,"skipped":0,"dead_lettered":0},
        "records":{"processed":9000,"failed":2,"skipped":0,"dead_lettered":0},"progress":0.25,"units_per_second":0.333,"eta_seconds":90,
        "stalled":true,"quiet_seconds":12,"result":null}]"#;
    let statements = format!(
        r#"[{{"statement":"select flights","database":"main","text":"SELECT * FROM flights WHERE carrier = ? AND day BETWEEN ? AND ?",
        "calls":{},"errors":1,"total_seconds":{},"p95_seconds":0.02,"max_seconds":0.5,"rows":{}}}]"#,
        10 + 4 * second,
        1.0 + 0.1 * n,
        100 + 400 * second,
    );
    let families = format!(
        r#"[{{"name":"rows_total","group":"user","kind":"counter","unit":"","count":1,"series":[{{"labels":{{"table":"flights"}},"value":{}}}]}},
        {{"name":"wait_seconds","group":"user","kind":"histogram","unit":"seconds","count":1,"series":[{{"labels":{{}},"count":{},"sum":{},"bounds":[1],"buckets":[1,2]}}]}},
        {{"name":"process_cpu_usage_ratio","group":"process","kind":"gauge","unit":"ratio","count":1,"series":[{{"labels":{{}},"value":1.25}}]}},
        {{"name":"process_resident_memory_bytes","group":"process","kind":"gauge","unit":"bytes","count":1,"series":[{{"labels":{{}},"value":104857600}}]}},
        {{"name":"process_io_read_bytes_total","group":"process","kind":"counter","unit":"bytes","count":1,"series":[{{"labels":{{}},"value":{}}}]}},
        {{"name":"process_threads","group":"process","kind":"gauge","unit":"","count":1,"series":[{{"labels":{{}},"value":9}}]}}]"#,
        1_000.0 + 10.0 * n,
        10.0 + n,
        5.0 + 0.5 * n,
        1_024.0 * n,
    );
    let document = format!(
        r#"{{"version":"0.1.0","service":"flights","taken_at":{},"started_at":1000,"functions":{functions},"jobs":{jobs},"statements":{statements},"families":{families}}}"#,
        1_030.0 + n
    );
    Live::parse(&document).unwrap()
}

fn readings() -> Readings {
    let mut readings = Readings::new(live(0));
    readings.take(live(2));
    readings
}

fn shown(keys: &[Key], width: usize, height: usize) -> String {
    let mut screen = Screen::new();
    let readings = readings();
    for key in keys {
        // As it was drawn, so that there are rows to go through.
        frame(&mut screen, &readings, width, height);
        assert_eq!(screen.press(*key), Next::On);
    }
    frame(&mut screen, &readings, width, height)
}

fn typed(text: &str) -> Vec<Key> {
    text.chars().map(Key::Char).collect()
}

/// The screens as they are to look: `UPDATE_SCREENS=1` writes them anew.
#[test]
fn every_view_at_several_sizes() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/bin/telemetry/top/screens");
    let views =
        [("functions", ""), ("statements", "2"), ("metrics", "3"), ("process", "4"), ("totals", "t"), ("help", "?")];
    for (name, keys) in views {
        for (width, height) in [(60, 15), (100, 15), (160, 15)] {
            let seen = shown(&typed(keys), width, height);
            let file = folder.join(format!("{name}-{width}.txt"));
            if std::env::var_os("UPDATE_SCREENS").is_some() {
                std::fs::create_dir_all(&folder).unwrap();
                std::fs::write(&file, &seen).unwrap();
            }
            assert_eq!(seen, std::fs::read_to_string(&file).unwrap(), "{}", file.display());
        }
    }
}

#[test]
fn what_is_searched_for_and_sorted_by() {
    let rows = |keys: &[Key]| {
        let frame = shown(keys, 130, 20);
        let rows = frame.lines().skip_while(|line| !line.contains("function ")).skip(1);
        rows.map(|row| row.split_whitespace().next().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    let [load, parse, render] = ["flights::store::load", "flights::store::input::parse", "web::render"];
    assert_eq!(rows(&[]), [load, parse, render]);
    assert_eq!(rows(&[Key::Char('r')]), [render, parse, load]);
    // From the time of its own the CPU time is the next, and of `parse` it is not known.
    assert_eq!(rows(&[Key::Char('s')]), [load, render, parse]);
    assert_eq!(rows(&[Key::Char('S'); 4]), [parse, load, render]);
    assert_eq!(rows(&typed("/Input\n")), [parse]);
    assert_eq!(rows(&[typed("/inputt"), vec![Key::Backspace]].concat()), [parse]);
    assert_eq!(rows(&[typed("/input\n"), vec![Key::Esc]].concat()), [load, parse, render]);
    assert_eq!(rows(&typed("/nothing")), Vec::<String>::new());
    assert!(shown(&typed("/nothing"), 80, 20).contains("Nothing has what is searched for."));
    assert!(shown(&typed("/q"), 80, 20).contains("flights"), "what is typed is no command");
}

#[test]
fn rows_are_gone_through() {
    let mut screen = Screen::new();
    let readings = readings();
    let mut marked = |keys: &[Key]| {
        for key in keys {
            screen.press(*key);
        }
        let mut terminal = Terminal::new(TestBackend::new(80, 8)).unwrap();
        let drawn = terminal.draw(|frame| draw(frame, &mut screen, &readings, Look { color: true })).unwrap();
        let is_marked = |y: &u16| drawn.buffer[(0, *y)].modifier.contains(Modifier::REVERSED);
        let line = (2..8).find(is_marked).map(usize::from);
        line.map(|line| lines(drawn.buffer)[line].split_whitespace().next().unwrap_or_default().to_owned())
    };
    // Two rows have room: 8 lines without the header, the tabs, two jobs, the head and the foot.
    assert_eq!(marked(&[]).as_deref(), Some("flights::store::load"));
    assert_eq!(marked(&[Key::Down, Key::Down]).as_deref(), Some("web::render"));
    assert_eq!(marked(&[Key::Down, Key::Down]).as_deref(), Some("web::render"));
    assert_eq!(marked(&[Key::Up]).as_deref(), Some("…store::input::parse"));
    assert_eq!(marked(&[Key::Home]).as_deref(), Some("flights::store::load"));
    assert_eq!(marked(&[Key::End]).as_deref(), Some("web::render"));
    assert_eq!(marked(&[Key::PageUp]).as_deref(), Some("flights::store::load"));
}

#[test]
fn no_size_does_harm() {
    for (width, height) in [(1, 1), (1, 40), (2, 3), (10, 2), (20, 6), (300, 100)] {
        for keys in [vec![], typed("2"), typed("3"), typed("4"), typed("?"), typed("/a")] {
            shown(&keys, width, height);
        }
    }
}

#[test]
fn colour_is_only_where_it_is_wanted() {
    let colors = |color| {
        let mut terminal = Terminal::new(TestBackend::new(100, 14)).unwrap();
        let mut screen = Screen::new();
        screen.trouble = Some(String::from("cannot be reached"));
        let readings = readings();
        let drawn = terminal.draw(|frame| draw(frame, &mut screen, &readings, Look { color })).unwrap();
        assert!(lines(drawn.buffer).last().unwrap().contains("cannot be reached"));
        drawn.buffer.content.iter().filter(|cell| cell.fg != Color::Reset).count()
    };
    assert_eq!(colors(false), 0);
    assert!(colors(true) > 20);
}

#[test]
fn it_ends_when_it_is_asked_to() {
    for key in [Key::Char('q'), Key::Esc, Key::Ctrl('c')] {
        assert_eq!(Screen::new().press(key), Next::Quit);
    }
    let mut screen = Screen::new();
    screen.press(Key::Char('/'));
    assert_eq!(screen.press(Key::Char('q')), Next::On);
    assert_eq!(screen.press(Key::Ctrl('c')), Next::Quit);
}

#[test]
fn ten_thousand_functions_are_drawn() {
    let count = 10_000;
    let list = |item: &dyn Fn(usize) -> String| format!("[{}]", (0..count).map(item).collect::<Vec<_>>().join(","));
    let document = format!(
        r#"{{"version":"0","service":"s","taken_at":2,"started_at":1,"functions":{{"function":{},"module":{},"calls":{},"buckets":{}}}}}"#,
        list(&|index| format!("\"f{index}\"")),
        list(&|_| String::from("\"m\"")),
        list(&|index| index.to_string()),
        list(&|_| String::from("[0,1]")),
    );
    let readings = Readings::new(Live::parse(&document).unwrap());
    let mut screen = Screen::new();
    frame(&mut screen, &readings, 100, 30);
    screen.press(Key::End);
    assert!(frame(&mut screen, &readings, 100, 30).contains("m::f9999"));
}
