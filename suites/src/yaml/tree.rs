//! Where every key and value of a YAML text stands.

use std::collections::HashMap;

use saphyr_parser::{Event, Marker, Parser, ScanError, Span};

/// Deepest nesting that is read; the same as serde_yaml's.
const DEEPEST: usize = 128;

/// Line and column, from 1.
pub(super) type Place = (usize, usize);

/// The places of a text's first document.
pub(super) struct Tree {
    root: Node,
}

struct Node {
    at: Place,
    content: Content,
}

enum Content {
    /// A scalar, or an alias (whose content stands elsewhere).
    Leaf,
    List(Vec<Node>),
    Map(Vec<Entry>),
}

struct Entry {
    key: String,
    key_at: Place,
    value: Node,
}

/// Why a text is no YAML.
pub(super) struct SyntaxError {
    pub line: usize,
    pub column: usize,
    pub message: String,
}

/// A key that stands twice in one mapping.
pub(super) struct Duplicate {
    pub key: String,
    pub first: Place,
    pub second: Place,
}

impl SyntaxError {
    fn at(place: Place, message: impl Into<String>) -> Self {
        SyntaxError { line: place.0, column: place.1, message: message.into() }
    }
}

impl From<ScanError> for SyntaxError {
    fn from(error: ScanError) -> Self {
        SyntaxError::at(place(*error.marker()), error.info())
    }
}

fn place(marker: Marker) -> Place {
    (marker.line(), marker.col().saturating_add(1))
}

impl Tree {
    /// Parses a text of one document; an empty text is an empty mapping.
    pub(super) fn parse(text: &str) -> Result<Tree, SyntaxError> {
        let mut parser = Parser::new_from_str(text);
        let mut root = None;
        while let Some(event) = parser.next_event() {
            let (event, span) = event?;
            match event {
                Event::StreamStart | Event::StreamEnd | Event::Nothing => {}
                Event::DocumentStart(_) | Event::DocumentEnd => {}
                _ if root.is_some() => {
                    return Err(SyntaxError::at(place(span.start), "a second document begins"));
                }
                event => root = Some(node(&mut parser, event, span, 0)?),
            }
        }
        let empty = || Node { at: (1, 1), content: Content::Map(Vec::new()) };
        Ok(Tree { root: root.unwrap_or_else(empty) })
    }

    /// All duplicate keys, in the order of the text.
    pub(super) fn duplicates(&self) -> impl Iterator<Item = Duplicate> {
        let mut found = Vec::new();
        self.root.duplicates(&mut found);
        found.sort_by_key(|d: &Duplicate| d.second);
        found.into_iter()
    }

    /// Where the key (or list item) at a path stands.
    pub(super) fn locate(&self, path: &[impl AsRef<str>]) -> Option<Place> {
        self.find(path).map(|(key, _)| key)
    }

    /// Where the value at a path stands; the place of its key where the value is on another line,
    /// because a mapping or list is best named by its key.
    pub(super) fn locate_value(&self, path: &[impl AsRef<str>]) -> Option<Place> {
        let (key, value) = self.find(path)?;
        Some(if value.0 == key.0 { value } else { key })
    }

    fn find(&self, path: &[impl AsRef<str>]) -> Option<(Place, Place)> {
        let mut node = &self.root;
        let mut key_at = node.at;
        for segment in path {
            let segment = segment.as_ref();
            (key_at, node) = match &node.content {
                Content::Leaf => return None,
                Content::List(items) => {
                    let item = items.get(segment.parse::<usize>().ok()?)?;
                    (item.at, item)
                }
                Content::Map(entries) => {
                    let entry = entries.iter().find(|e| e.key == segment)?;
                    (entry.key_at, &entry.value)
                }
            };
        }
        Some((key_at, node.at))
    }

    /// The paths that exist and fit a pattern, in which `*` is any key or item.
    pub(super) fn matches(&self, pattern: &[&str]) -> Vec<Vec<String>> {
        let mut found = Vec::new();
        self.root.matches(pattern, &mut Vec::new(), &mut found);
        found
    }
}

impl Node {
    fn duplicates(&self, found: &mut Vec<Duplicate>) {
        match &self.content {
            Content::Leaf => {}
            Content::List(items) => items.iter().for_each(|item| item.duplicates(found)),
            Content::Map(entries) => {
                let mut seen: HashMap<&str, Place> = HashMap::new();
                for entry in entries {
                    match seen.get(entry.key.as_str()) {
                        Some(first) => found.push(Duplicate {
                            key: entry.key.clone(),
                            first: *first,
                            second: entry.key_at,
                        }),
                        None => {
                            seen.insert(&entry.key, entry.key_at);
                        }
                    }
                    entry.value.duplicates(found);
                }
            }
        }
    }

    fn matches(&self, pattern: &[&str], path: &mut Vec<String>, found: &mut Vec<Vec<String>>) {
        let Some((first, rest)) = pattern.split_first() else {
            found.push(path.clone());
            return;
        };
        let children: Vec<(String, &Node)> = match &self.content {
            Content::Leaf => return,
            Content::List(items) => {
                items.iter().enumerate().map(|(i, n)| (i.to_string(), n)).collect()
            }
            Content::Map(entries) => entries.iter().map(|e| (e.key.clone(), &e.value)).collect(),
        };
        for (key, child) in children {
            if *first == "*" || *first == key {
                path.push(key);
                child.matches(rest, path, found);
                path.pop();
            }
        }
    }
}

type Events<'t> = Parser<'t, saphyr_parser::StrInput<'t>>;

fn next<'t>(parser: &mut Events<'t>) -> Result<(Event<'t>, Span), SyntaxError> {
    match parser.next_event() {
        Some(event) => Ok(event?),
        None => Err(SyntaxError::at((1, 1), "the text ends too early")),
    }
}

fn node<'t>(
    parser: &mut Events<'t>,
    event: Event<'t>,
    span: Span,
    depth: usize,
) -> Result<Node, SyntaxError> {
    let at = place(span.start);
    if depth > DEEPEST {
        return Err(SyntaxError::at(at, "it is nested too deeply"));
    }
    let depth = depth.saturating_add(1);
    let content = match event {
        Event::SequenceStart(..) => {
            let mut items = Vec::new();
            loop {
                let (event, span) = next(parser)?;
                if event == Event::SequenceEnd {
                    break Content::List(items);
                }
                items.push(node(parser, event, span, depth)?);
            }
        }
        Event::MappingStart(..) => {
            let mut entries = Vec::new();
            loop {
                let (event, span) = next(parser)?;
                if event == Event::MappingEnd {
                    break Content::Map(entries);
                }
                let key = match &event {
                    Event::Scalar(text, ..) => text.to_string(),
                    _ => {
                        let message = "a key is a list, a mapping or an alias";
                        return Err(SyntaxError::at(place(span.start), message));
                    }
                };
                let key_at = place(span.start);
                let (event, span) = next(parser)?;
                entries.push(Entry { key, key_at, value: node(parser, event, span, depth)? });
            }
        }
        _ => Content::Leaf,
    };
    Ok(Node { at, content })
}
