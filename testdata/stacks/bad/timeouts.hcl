resource "network" "web" {
  timeouts {
    create = "10 minutes"
    delete = "-5s"
    update = 30
    destroy = "5m"
  }
}
