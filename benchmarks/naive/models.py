from django.db import models


class Agent(models.Model):
    language = models.CharField(max_length=16)
    online = models.BooleanField(default=True)
    load = models.IntegerField(default=0)
    last_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"agent {self.pk}"


class Ticket(models.Model):
    conversation_ref = models.CharField(max_length=120)
    customer_name = models.CharField(max_length=120)
    language = models.CharField(max_length=16)
    topic = models.CharField(max_length=60)
    summary = models.TextField()
    status = models.CharField(max_length=12, default="queued", db_index=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"ticket {self.pk}"


class Offer(models.Model):
    ticket = models.ForeignKey(Ticket, models.CASCADE)
    agent = models.ForeignKey(Agent, models.CASCADE)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"offer {self.pk}"
