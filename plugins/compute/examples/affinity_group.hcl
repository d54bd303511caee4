resource "affinity_group" "web" {
  name = "web"
  type = "host anti-affinity"
}
