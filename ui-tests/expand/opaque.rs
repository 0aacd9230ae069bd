#[measured]
fn rows(&self) -> Result<impl Iterator<Item = &Row> + '_, Error> {
    Ok(self.rows.iter())
}
