curl -N -X POST https://api.promptfloe.com/v1/apps/generate \
  -H "Authorization: Bearer <api key>" \
  -H "Content-Type: application/json" \
  -H "Accept: application/x-ndjson" \
  -d '{"prompt": "pricing page"}'
