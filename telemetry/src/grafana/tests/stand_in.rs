//! Something that answers as Grafana does, as far as the client can tell: it keeps what it is given, counts versions, and can be told to misbehave.
//!
//! Needs the standard library and `serde_json` alone.

// By its path, since who takes this file by its path looks elsewhere.
#[path = "stand_in/answers.rs"]
mod answers;
#[path = "stand_in/resources.rs"]
mod resources;

use answers::{Answer, answer};
use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

pub(crate) const TOKEN: &str = "glsa_right-token";
/// `admin:right`, in base 64.
pub(crate) const BASIC: &str = "YWRtaW46cmlnaHQ=";

/// Which interfaces it has for dashboards and folders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Api {
    Both,
    /// `/apis` is its start page, as with Grafana 9.
    OldOnly,
    /// `/api` is no longer there: such a code, and no message.
    NewOnly(u16),
}

/// What becomes of one request instead.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// Status, headers, body.
    Answer(u16, &'static str, String),
    /// Half of an answer.
    Truncated,
    /// No answer, until the stand-in ends.
    Hangs,
    /// Half of an answer, and the rest never comes.
    Stalls,
    /// It is done, and nobody learns of it.
    LosesAnswer,
    /// As if there were no fault, so that a later one can be planned.
    None,
}

#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    /// Decoded, without the query.
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Value,
}

#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub(crate) spec: Value,
    pub(crate) folder: String,
    pub(crate) version: u64,
    pub(crate) file: Option<String>,
}

type Meanwhile = Box<dyn FnOnce(&mut World) + Send>;

#[derive(Default)]
pub(crate) struct World {
    pub(crate) dashboards: BTreeMap<String, Kept>,
    pub(crate) folders: BTreeMap<String, (String, u64)>,
    pub(crate) sources: BTreeMap<String, Value>,
    pub(crate) groups: BTreeMap<(String, String), Value>,
    pub(crate) points: BTreeMap<String, Value>,
    pub(crate) annotations: Vec<Value>,
    pub(crate) asked: Vec<Asked>,
    pub(crate) faults: VecDeque<Fault>,
    /// Happens just before the next request that writes.
    pub(crate) meanwhile: Option<Meanwhile>,
    /// Whether its answers have nulls, as Grafana's have where its document does not say so.
    pub(crate) has_no_nulls: bool,
    api: Option<Api>,
}

impl World {
    pub(crate) fn wrote(&self) -> Vec<String> {
        let writes = self.asked.iter().filter(|asked| asked.method != "GET");
        writes.map(|asked| format!("{} {}", asked.method, asked.path)).collect()
    }
}

struct Shared {
    world: Mutex<World>,
    changed: Condvar,
    ends: AtomicBool,
    /// Its root, such as `/grafana`.
    root: String,
}

pub(crate) struct StandIn {
    shared: Arc<Shared>,
    address: SocketAddr,
    thread: Option<JoinHandle<()>>,
}

impl StandIn {
    pub(crate) fn start(api: Api, root: &str) -> StandIn {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            world: Mutex::new(World { api: Some(api), ..World::default() }),
            changed: Condvar::new(),
            ends: AtomicBool::new(false),
            root: root.to_owned(),
        });
        let of_thread = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            std::thread::scope(|scope| {
                for stream in listener.incoming() {
                    if of_thread.ends.load(Ordering::SeqCst) {
                        return;
                    }
                    let shared = &of_thread;
                    // A client that goes away is the client's business.
                    scope.spawn(move || drop(stream.map(|stream| shared.serve(stream))));
                }
            });
        });
        StandIn { shared, address, thread: Some(thread) }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}{}", self.address, self.shared.root)
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.shared.world()
    }

    /// What becomes of the next requests, in turn.
    pub(crate) fn faults(&self, faults: impl IntoIterator<Item = Fault>) {
        self.world().faults.extend(faults);
    }

    /// Waits until this is so.
    pub(crate) fn wait(&self, what: &str, is_so: impl Fn(&World) -> bool) -> MutexGuard<'_, World> {
        let until = Instant::now() + Duration::from_secs(20);
        let mut world = self.world();
        while !is_so(&world) {
            let left = until.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "waited in vain: {what}");
            world = self.shared.changed.wait_timeout(world, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        world
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.shared.ends.store(true, Ordering::SeqCst);
        self.shared.changed.notify_all();
        // Wakes the one who accepts.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Until the stand-in ends.
    fn hang(&self, mut world: MutexGuard<'_, World>) {
        while !self.ends.load(Ordering::SeqCst) {
            world =
                self.changed.wait_timeout(world, Duration::from_millis(50)).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn serve(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let Some(asked) = read(&stream)? else { return Ok(()) };
        let mut world = self.world();
        world.asked.push(asked.clone());
        self.changed.notify_all();
        let fault = world.faults.pop_front().unwrap_or(Fault::None);
        match &fault {
            Fault::Hangs => {
                self.hang(world);
                return Ok(());
            }
            Fault::Answer(code, headers, body) => {
                drop(world);
                self.changed.notify_all();
                return write(&mut stream, *code, headers, body, body.len());
            }
            _ => {}
        }
        if asked.method != "GET" {
            if let Some(happens) = world.meanwhile.take() {
                happens(&mut world);
            }
        }
        let answer = match asked.path.strip_prefix(&self.root) {
            Some(path) => answer(&mut world, &asked, path),
            None => None,
        };
        let answer = answer.map(|Answer(code, mut body)| {
            if world.has_no_nulls {
                without_nulls(&mut body);
            }
            Answer(code, body)
        });
        drop(world);
        self.changed.notify_all();
        let (code, kind, body) = match answer {
            // The start page of one that is asked for no API.
            None => (404, "Content-Type: text/html\r\n", "<!DOCTYPE html><title>Grafana</title>".to_owned()),
            Some(Answer(code, Value::Null)) => (code, "", String::new()),
            Some(Answer(code, body)) => (code, "Content-Type: application/json\r\n", body.to_string()),
        };
        match fault {
            Fault::LosesAnswer => Ok(()),
            Fault::Truncated => write(&mut stream, code, kind, &body[..body.len() / 2], body.len()),
            Fault::Stalls => {
                write(&mut stream, code, kind, &body[..body.len() / 2], body.len())?;
                self.hang(self.world());
                Ok(())
            }
            _ => write(&mut stream, code, kind, &body, body.len()),
        }
    }
}

fn without_nulls(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|_, value| !value.is_null());
            members.values_mut().for_each(without_nulls);
        }
        Value::Array(list) => list.iter_mut().for_each(without_nulls),
        _ => {}
    }
}

fn read(stream: &TcpStream) -> std::io::Result<Option<Asked>> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split_whitespace();
    let (Some(method), Some(target)) = (words.next(), words.next()) else { return Ok(None) };
    let (method, target) = (method.to_owned(), target.to_owned());
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    Ok(Some(Asked { method, path: path.to_owned(), query: query.to_owned(), headers, body }))
}

fn write(stream: &mut TcpStream, code: u16, headers: &str, body: &str, length: usize) -> std::io::Result<()> {
    let head = format!("HTTP/1.1 {code} Said\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n");
    stream.write_all(format!("{head}{body}").as_bytes())
}
