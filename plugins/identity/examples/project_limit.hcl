resource "project" "shop" {
  name = "shop"
}

resource "project_limit" "machines" {
  project  = project.shop.id
  resource = "user_vm"
  max      = 10
}
