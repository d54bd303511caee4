resource "network" "web" {
  name = "a
}
