resource "network" "web" {
  lifecycle {
    prevent_destroy = "maybe"
    ignore_change   = [name]
    ignore_changes  = "name"
  }
}
resource "network" "two" {
  lifecycle {
  }
  lifecycle {
  }
}
