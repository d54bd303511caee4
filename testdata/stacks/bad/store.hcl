stack "a" {
  state {
    postgres    = "postgres://app:hunter2@db.example.org/mold"
    environment = var.env
    keep        = 0.5
    bucket      = "b"
  }
  state {
  }
  encryption {
    recipients = "age1"
  }
}
