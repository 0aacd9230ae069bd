#[measured]
#[track_caller]
fn at(&self, index: usize) -> Result<u8, Error> {
    if index == 0 {
        return Ok(self.first);
    }
    self.find(index)?;
    Err(Error::at(Location::caller()))
}
