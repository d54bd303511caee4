data "zone" "a" {
  retain_on_destroy = true
  lifecycle {
    prevent_destroy = true
  }
}
