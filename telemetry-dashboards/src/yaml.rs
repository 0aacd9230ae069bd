//! YAML to a tree.
//!
//! Built from the parser's events, not by its loader: that one walks recursively, which a deeply nested file can make overflow the stack, and
//! copies what an alias stands for, which a few lines of aliases of aliases can make fill the memory.

use std::collections::BTreeMap;
use std::rc::Rc;
use yaml_rust2::parser::{Event, Parser};
use yaml_rust2::scanner::{Marker, TScalarStyle};

/// Deeper nesting is refused; rules need 8.
const MAX_DEPTH: usize = 100;

/// Larger files are refused, with each alias counted as what it stands for: a value counts 1, and each 64 bytes of text 1 more. A rule has
/// some 20.
const MAX_SIZE: usize = 1_000_000;

/// A node; what several aliases stand for is shared.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    /// A scalar; numbers and booleans too, as they are written.
    Text(String),
    /// Nothing, `~` or `null`.
    Null,
    List(Vec<Rc<Node>>),
    Map(BTreeMap<Rc<str>, Rc<Node>>),
}

impl Node {
    /// The value of a key, if this is a map that has it and it is not null.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        match self {
            Node::Map(map) => map.get(key).map(Rc::as_ref).filter(|node| !matches!(node, Node::Null)),
            _ => None,
        }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Node::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The items of a list; none of anything else.
    pub(crate) fn items(&self) -> impl Iterator<Item = &Node> {
        let items: &[Rc<Node>] = match self {
            Node::List(items) => items,
            _ => &[],
        };
        items.iter().map(Rc::as_ref)
    }

    /// The entries of a map; none of anything else.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&str, &Node)> {
        let map = match self {
            Node::Map(map) => Some(map),
            _ => None,
        };
        map.into_iter().flatten().map(|(key, node)| (key.as_ref(), node.as_ref()))
    }
}

/// The documents of a file, else what is wrong and where.
pub(crate) fn documents(text: &str) -> Result<Vec<Rc<Node>>, String> {
    let mut parser = Parser::new_from_str(text);
    let mut loader = Loader::default();
    loop {
        let (event, mark) = parser.next_token().map_err(|error| at(*error.marker(), error.info()))?;
        match event {
            Event::StreamEnd => return Ok(loader.documents),
            Event::StreamStart | Event::Nothing | Event::DocumentStart | Event::DocumentEnd => {}
            other => loader.event(other, mark).map_err(|message| at(mark, &message))?,
        }
    }
}

fn at(mark: Marker, message: &str) -> String {
    format!("{message} at line {} column {}", mark.line().max(1), mark.col() + 1)
}

#[derive(Default)]
struct Loader {
    documents: Vec<Rc<Node>>,
    open: Vec<Open>,
    /// What aliases stand for, with its size.
    anchors: BTreeMap<usize, (Rc<Node>, usize)>,
}

/// A list or a map that has not ended.
struct Open {
    node: Node,
    anchor: usize,
    key: Option<Rc<str>>,
    /// What `<<` brings, which the map's own keys go before.
    merged: Vec<Rc<Node>>,
    /// What it counts so far.
    size: usize,
}

impl Loader {
    fn event(&mut self, event: Event, mark: Marker) -> Result<(), String> {
        match event {
            Event::SequenceStart(anchor, _) => self.begin(Node::List(Vec::new()), anchor),
            Event::MappingStart(anchor, _) => self.begin(Node::Map(BTreeMap::new()), anchor),
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            Event::Alias(anchor) => {
                // An anchor that is still open would contain itself.
                let known = self.anchors.get(&anchor).cloned();
                let (node, size) = known.ok_or("an alias stands inside of what it stands for")?;
                self.add(node, size)
            }
            Event::Scalar(text, style, anchor, _) => {
                let null = style == TScalarStyle::Plain && matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL");
                let size = 1 + text.len() / 64;
                let node = Rc::new(if null { Node::Null } else { Node::Text(text) });
                self.keep(anchor, &node, size);
                self.add(node, size)
            }
            _ => {
                debug_assert!(false, "an event without a node at line {}", mark.line());
                Ok(())
            }
        }
    }

    fn keep(&mut self, anchor: usize, node: &Rc<Node>, size: usize) {
        // 0 is no anchor.
        if anchor > 0 {
            self.anchors.insert(anchor, (node.clone(), size));
        }
    }

    fn begin(&mut self, node: Node, anchor: usize) -> Result<(), String> {
        if self.open.len() == MAX_DEPTH {
            return Err(format!("it is nested deeper than {MAX_DEPTH}"));
        }
        self.open.push(Open { node, anchor, key: None, merged: Vec::new(), size: 1 });
        Ok(())
    }

    fn end(&mut self) -> Result<(), String> {
        let Some(mut ended) = self.open.pop() else { return Ok(()) };
        if let Node::Map(own) = &mut ended.node {
            for merged in ended.merged {
                if let Node::Map(entries) = merged.as_ref() {
                    for (key, node) in entries {
                        own.entry(key.clone()).or_insert_with(|| node.clone());
                    }
                }
            }
        }
        let node = Rc::new(ended.node);
        self.keep(ended.anchor, &node, ended.size);
        self.add(node, ended.size)
    }

    /// Puts a node where it belongs.
    fn add(&mut self, node: Rc<Node>, size: usize) -> Result<(), String> {
        let Some(open) = self.open.last_mut() else {
            self.documents.push(node);
            return Ok(());
        };
        open.size = open.size.saturating_add(size);
        if open.size > MAX_SIZE {
            return Err(format!("there are more than {MAX_SIZE} values, with what the aliases stand for"));
        }
        match (&mut open.node, open.key.take()) {
            (Node::List(items), _) => items.push(node),
            (Node::Map(_), None) => open.key = Some(key_of(&node)?),
            (Node::Map(_), Some(key)) if key.as_ref() == "<<" => match node.as_ref() {
                Node::List(items) => open.merged.extend(items.iter().cloned()),
                _ => open.merged.push(node),
            },
            (Node::Map(map), Some(key)) => {
                if map.contains_key(&key) {
                    return Err(format!("`{key}` is given twice"));
                }
                map.insert(key, node);
            }
            (Node::Text(_) | Node::Null, _) => {}
        }
        Ok(())
    }
}

fn key_of(node: &Node) -> Result<Rc<str>, String> {
    match node {
        Node::Text(text) => Ok(Rc::from(text.as_str())),
        Node::Null => Ok(Rc::from("null")),
        Node::List(_) | Node::Map(_) => {
            Err(String::from("a key is a list or a map; quote it if it begins with `{` or `[`"))
        }
    }
}

#[cfg(test)]
#[path = "yaml_tests.rs"]
mod tests;
