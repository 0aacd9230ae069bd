//! Numbers that JSON does not have, found where a value is one of them: `serde_json` makes `null` of them.

use serde::Serialize;
use serde::ser::{Error as _, Impossible, Serializer};
use serde_json::{Error, Value};

/// The value as JSON; not a number and the infinities as the words that Comet has for them.
pub(super) fn json(value: &impl Serialize) -> Result<Value, Error> {
    match serde_json::to_value(value)? {
        Value::Null => Ok(value.serialize(Number).map_or(Value::Null, super::limits::number)),
        json => Ok(json),
    }
}

/// Takes floating-point numbers alone.
struct Number;

macro_rules! others {
    ($($method:ident: $type:ty),*) => {
        $(fn $method(self, _: $type) -> Result<f64, Error> { other() })*
    };
}

fn other<T>() -> Result<T, Error> {
    Err(Error::custom("no number"))
}

impl Serializer for Number {
    type Ok = f64;
    type Error = Error;
    type SerializeSeq = Impossible<f64, Error>;
    type SerializeTuple = Impossible<f64, Error>;
    type SerializeTupleStruct = Impossible<f64, Error>;
    type SerializeTupleVariant = Impossible<f64, Error>;
    type SerializeMap = Impossible<f64, Error>;
    type SerializeStruct = Impossible<f64, Error>;
    type SerializeStructVariant = Impossible<f64, Error>;

    others!(serialize_bool: bool, serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64, serialize_u8: u8,
        serialize_u16: u16, serialize_u32: u32, serialize_u64: u64, serialize_char: char, serialize_str: &str, serialize_bytes: &[u8]);

    fn serialize_f32(self, number: f32) -> Result<f64, Error> {
        Ok(number.into())
    }

    fn serialize_f64(self, number: f64) -> Result<f64, Error> {
        Ok(number)
    }

    fn serialize_none(self) -> Result<f64, Error> {
        other()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<f64, Error> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<f64, Error> {
        other()
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<f64, Error> {
        other()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, _: &'static str) -> Result<f64, Error> {
        other()
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<f64, Error> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<f64, Error> {
        other()
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, Error> {
        other()
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Error> {
        other()
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeTupleStruct, Error> {
        other()
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Error> {
        other()
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, Error> {
        other()
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeStruct, Error> {
        other()
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Error> {
        other()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_json_lacks_is_a_word_and_nothing_stays_nothing() {
        assert_eq!(json(&f64::NAN).unwrap(), "NaN");
        assert_eq!(json(&Some(f32::NEG_INFINITY)).unwrap(), "-Infinity");
        assert_eq!(json(&None::<f64>).unwrap(), Value::Null);
        assert_eq!(json(&()).unwrap(), Value::Null);
        assert_eq!(json(&vec![1, 2]).unwrap(), serde_json::json!([1, 2]));
    }
}
