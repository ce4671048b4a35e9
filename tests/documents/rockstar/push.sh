# Pushes a session, then a plan, and prints the progress of each.
curl -N -X POST https://rockstar.ninja/api/v1/sessions \
  -H "Authorization: Bearer <jwt>" \
  -H "Content-Type: application/json" \
  -d '{"session_id": "0b7e3c52-0000-4000-8000-000000000001", "title": "Grüße 🎸", "data": "{\"type\":\"user\"}\n"}'

curl -N -X POST https://rockstar.ninja/api/v1/plans \
  -H "Authorization: Bearer <jwt>" \
  -H "Content-Type: application/json" \
  -d '{"name": "my-plan.md", "content": "# A plan\n"}'
