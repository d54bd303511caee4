resource "python_group" "web" {
  name = "web"
}
