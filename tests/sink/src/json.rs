/// The messages, by the numbers of their fields.
mod schema;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use prost::encoding::{WireType, encode_key, encode_varint};
use schema::{Field, Kind, Shape};
pub(crate) use schema::{METRICS, TRACES};
use serde_json::{Map, Value};

/// Turns OTLP's JSON into protobuf's bytes, by a table of the messages and not by the serializer that exporters use.
///
/// The second list has what a receiver must put up with and no exporter should send: unknown fields, 64-bit numbers that are no text.
///
/// # Errors
/// What cannot be read, with the path to it: a text where a number belongs, an enum by name, an id that is not hex or too short.
pub(crate) fn to_protobuf(body: &[u8], shape: &'static Shape) -> Result<(Vec<u8>, Vec<String>), String> {
    let value = serde_json::from_slice(body).map_err(|error| format!("no JSON: {error}"))?;
    let mut reader = Reader { path: Vec::new(), complaints: Vec::new() };
    let bytes = reader.message(&value, shape)?;
    Ok((bytes, reader.complaints))
}

struct Reader {
    path: Vec<String>,
    complaints: Vec<String>,
}

impl Reader {
    fn wrong<T>(&self, what: &str, value: &Value) -> Result<T, String> {
        let mut shown = value.to_string();
        if shown.chars().count() > 60 {
            shown = shown.chars().take(60).chain("…".chars()).collect();
        }
        Err(format!("{}: {what}, not {shown}", self.place()))
    }

    fn place(&self) -> String {
        if self.path.is_empty() { "the body".to_owned() } else { self.path.concat().trim_start_matches('.').to_owned() }
    }

    /// Once for each kind of mistake: a request has thousands of numbers.
    fn complain(&mut self, what: &str) {
        if !self.complaints.iter().any(|known| known.ends_with(what)) {
            self.complaints.push(format!("{}: {what}", self.place()));
        }
    }

    fn message(&mut self, value: &Value, shape: &'static Shape) -> Result<Vec<u8>, String> {
        let Value::Object(object) = value else { return self.wrong("an object belongs here", value) };
        self.one_of_each(object, shape)?;
        let mut bytes = Vec::new();
        for (name, value) in object {
            self.path.push(format!(".{name}"));
            match shape.fields.iter().find(|field| field.name == name) {
                // Null stands for the default.
                Some(_) if value.is_null() => {}
                Some(field) if field.repeated => self.list(value, field, &mut bytes)?,
                Some(field) => self.field(value, field, &mut bytes)?,
                None => self.complain(&format!("no such field in {}", shape.name)),
            }
            self.path.pop();
        }
        Ok(bytes)
    }

    fn one_of_each(&self, object: &Map<String, Value>, shape: &Shape) -> Result<(), String> {
        let given = |field: &&Field| field.choice && object.get(field.name).is_some_and(|value| !value.is_null());
        let given: Vec<_> = shape.fields.iter().filter(given).map(|field| field.name).collect();
        match given.as_slice() {
            [] | [_] => Ok(()),
            several => Err(format!("{}: only one of `{}` may be given", self.place(), several.join("`, `"))),
        }
    }

    fn list(&mut self, value: &Value, field: &Field, bytes: &mut Vec<u8>) -> Result<(), String> {
        let Value::Array(items) = value else { return self.wrong("a list belongs here", value) };
        for (at, item) in items.iter().enumerate() {
            self.path.push(format!("[{at}]"));
            self.field(item, field, bytes)?;
            self.path.pop();
        }
        Ok(())
    }

    fn field(&mut self, value: &Value, field: &Field, bytes: &mut Vec<u8>) -> Result<(), String> {
        let mut number = |wire: WireType, written: &[u8]| {
            encode_key(field.number, wire, bytes);
            bytes.extend_from_slice(written);
        };
        match field.kind {
            Kind::Text => {
                let Value::String(text) = value else { return self.wrong("a text belongs here", value) };
                delimited(field.number, text.as_bytes(), bytes);
            }
            Kind::Bool => {
                let Value::Bool(value) = value else { return self.wrong("true or false belongs here", value) };
                number(WireType::Varint, &[u8::from(*value)]);
            }
            Kind::Double => number(WireType::SixtyFourBit, &self.double(value)?.to_le_bytes()),
            Kind::Fixed64 => number(WireType::SixtyFourBit, &self.unsigned(value, u64::MAX, true)?.to_le_bytes()),
            Kind::Fixed32 => {
                let value = self.unsigned(value, u32::MAX.into(), false)?;
                number(WireType::ThirtyTwoBit, &value.to_le_bytes()[..4]);
            }
            Kind::SFixed64 => number(WireType::SixtyFourBit, &self.signed(value, true)?.to_le_bytes()),
            Kind::Int64 => number(WireType::Varint, &varint(self.signed(value, true)?.cast_unsigned())),
            Kind::Uint64 => number(WireType::Varint, &varint(self.unsigned(value, u64::MAX, true)?)),
            Kind::Uint32 => number(WireType::Varint, &varint(self.unsigned(value, u32::MAX.into(), false)?)),
            Kind::Sint32 => {
                let value = self.signed(value, false)?;
                number(WireType::Varint, &varint(((value << 1) ^ (value >> 63)).cast_unsigned()));
            }
            Kind::Enum(last) => {
                if !value.is_number() {
                    return self.wrong("the number of an enum's value belongs here", value);
                }
                number(WireType::Varint, &varint(self.unsigned(value, last, false)?));
            }
            Kind::Hex(length) => {
                let id = value.as_str().and_then(from_hex).filter(|id| id.is_empty() || id.len() == length);
                let Some(id) = id else {
                    return self.wrong(&format!("an id of {} hex digits belongs here", length * 2), value);
                };
                delimited(field.number, &id, bytes);
            }
            Kind::Base64 => {
                let decoded = value.as_str().map(|text| text.trim_end_matches('='));
                let decoded = decoded
                    .and_then(|text| STANDARD_NO_PAD.decode(text).or_else(|_| URL_SAFE_NO_PAD.decode(text)).ok());
                let Some(decoded) = decoded else { return self.wrong("bytes in base64 belong here", value) };
                delimited(field.number, &decoded, bytes);
            }
            Kind::Message(shape) => {
                let inner = self.message(value, shape)?;
                delimited(field.number, &inner, bytes);
            }
        }
        Ok(())
    }

    fn double(&mut self, value: &Value) -> Result<f64, String> {
        let read = match value {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => match text.as_str() {
                "NaN" => Some(f64::NAN),
                "Infinity" => Some(f64::INFINITY),
                "-Infinity" => Some(f64::NEG_INFINITY),
                // Rust reads words that JSON's mapping has not.
                text if text.ends_with(|last: char| last.is_ascii_digit()) => text.parse().ok(),
                _ => None,
            },
            _ => None,
        };
        read.map_or_else(|| self.wrong("a number, \"NaN\", \"Infinity\" or \"-Infinity\" belongs here", value), Ok)
    }

    /// The mapping takes a number or a text for all of them, and wants 64 bits to be a text.
    fn whole(&mut self, value: &Value, wide: bool) -> Option<i128> {
        match value {
            Value::String(text) => text.parse().ok(),
            Value::Number(number) => {
                if wide {
                    self.complain("a 64-bit number is to be a text in JSON");
                }
                let exact = number.as_f64().filter(|value| value.fract() == 0.0 && value.abs() < 9e15);
                number.as_i128().or(exact.map(|value| value as i128))
            }
            _ => None,
        }
    }

    fn unsigned(&mut self, value: &Value, last: u64, wide: bool) -> Result<u64, String> {
        let read = self.whole(value, wide).and_then(|whole| u64::try_from(whole).ok()).filter(|whole| *whole <= last);
        read.map_or_else(|| self.wrong(&format!("a whole number from 0 to {last} belongs here"), value), Ok)
    }

    fn signed(&mut self, value: &Value, wide: bool) -> Result<i64, String> {
        let whole = self.whole(value, wide).and_then(|whole| i64::try_from(whole).ok());
        let read = whole.filter(|whole| wide || i32::try_from(*whole).is_ok());
        let bits = if wide { 64 } else { 32 };
        read.map_or_else(|| self.wrong(&format!("a whole number of {bits} bits belongs here"), value), Ok)
    }
}

fn varint(value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_varint(value, &mut bytes);
    bytes
}

fn delimited(number: u32, content: &[u8], bytes: &mut Vec<u8>) {
    encode_key(number, WireType::LengthDelimited, bytes);
    encode_varint(content.len() as u64, bytes);
    bytes.extend_from_slice(content);
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<_> = text.chars().map(|digit| digit.to_digit(16)).collect::<Option<_>>()?;
    let pair = |pair: &[u32]| Some((pair.first()? * 16 + pair.get(1)?) as u8);
    digits.chunks(2).map(pair).collect()
}

#[cfg(test)]
mod tests;
