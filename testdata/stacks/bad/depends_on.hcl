resource "network" "web" {
  depends_on = ["network.a"]
}
resource "network" "b" {
  depends_on = network.web
}
resource "network" "c" {
  depends_on = [1 + 1]
}
