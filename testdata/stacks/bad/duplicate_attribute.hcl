resource "network" "web" {
  name = "a"
  name = "b"
}
