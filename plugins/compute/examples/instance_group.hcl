resource "instance_group" "web" {
  name = "web"
}
