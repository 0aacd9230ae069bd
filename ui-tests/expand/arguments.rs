#[measured(labels(carrier, pages = self.pages.len()), ok_if = Option::is_some)]
async fn fetch(&self, carrier: &str) -> Option<Page> {
    self.pages.get(carrier).await
}

#[measured(types, count, error_type = Error::kind)]
#[track_caller]
fn at<T>(rows: &[T], index: usize) -> Result<&T, Error> {
    rows.get(index).ok_or(Error::at(Location::caller()))
}
