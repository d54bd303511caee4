resource "network" "web" {
  count    = 2
  for_each = toset(["a"])
}
