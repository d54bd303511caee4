cloud "west" {
}
resource "network" "a" {
  cloud = cloud.wets
}
resource "network" "b" {
  cloud = "west"
}
resource "network" "c" {
  cloud = west
}
