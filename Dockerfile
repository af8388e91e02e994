# One image for web, worker and beat; the command decides.
FROM python:3.13-slim

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /app

COPY requirements.txt .
RUN pip install --no-cache-dir --require-hashes -r requirements.txt

COPY . .
ENV VAR_DIR=/var/lib/loratrainer
# Building the hashed static files needs settings, but none of the secrets.
RUN SECRET_KEY=build SITE_URL=https://build.invalid python manage.py collectstatic --no-input \
    && useradd --system --create-home app && mkdir -p "$VAR_DIR" && chown -R app "$VAR_DIR"
USER app

EXPOSE 8000
CMD ["gunicorn", "loratrainer.wsgi", "--bind", "0.0.0.0:8000", "--worker-class", "gthread", "--workers", "2", "--threads", "8", "--max-requests", "2000", "--max-requests-jitter", "200", "--no-control-socket"]
