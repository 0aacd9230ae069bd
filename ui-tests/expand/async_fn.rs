#[measured]
async fn load<'a, T>(path: &'a Path, mut rows: Vec<T>) -> Result<&'a T, Error>
where
    T: Row,
{
    #![allow(unused)]
    rows.push(read(path).await?);
    Ok(rows)
}
