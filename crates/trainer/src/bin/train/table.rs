pub(crate) fn make(_: &[String]) -> Result<(), String> {
    Ok(())
}
