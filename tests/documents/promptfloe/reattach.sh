curl -N "https://api.promptfloe.com/v1/runs/<run id>/events?cursor=<last event id>" -H "Authorization: Bearer <api key>"
